"""Images between stores and networks."""

import numpy as np
import torch
from torch import Tensor, nn


def to_image(pixels: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """``1 x 3 x H x W`` of float32 in [0, 1] from ``3 x H x W`` of uint8, or of floats on that scale already."""
    image = torch.from_numpy(np.array(pixels)).to(device).float()[None]
    return image / 255 if pixels.dtype == np.uint8 else image


@torch.inference_mode()
def restore(network: nn.Module, noisy: Tensor) -> Tensor:
    """The network's output for ``N x 3 x H x W``, clipped to [0, 1]."""
    output: Tensor = network(noisy)
    return output.clamp(0, 1)
