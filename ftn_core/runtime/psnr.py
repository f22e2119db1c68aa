"""Peak signal-to-noise ratio. Images are ``N x 3 x H x W`` in [0, 1]."""

import math

from torch import Tensor


def psnr_each(restored: Tensor, clean: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each image in dB, ``N``; infinite for equal images."""
    mean_squared_error = (restored.clamp(0, 1) - clean).square().mean(dim=(1, 2, 3))
    return mean_squared_error.log() * (-10 / math.log(10))


def psnr(restored: Tensor, clean: Tensor) -> float:
    """The mean PSNR of the images, in dB."""
    return float(psnr_each(restored, clean).mean())
