"""Peak signal-to-noise ratio, by torchmetrics. Images are ``N x 3 x H x W`` in [0, 1]."""

from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio


def psnr_each(restored: Tensor, clean: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each image in dB, ``N``."""
    restored = restored.clamp(0, 1)
    return peak_signal_noise_ratio(restored, clean, data_range=1.0, reduction="none", dim=(1, 2, 3))


def psnr(restored: Tensor, clean: Tensor) -> float:
    """The mean PSNR of the images, in dB."""
    return float(psnr_each(restored, clean).mean())
