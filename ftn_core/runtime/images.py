"""Images as tensors, and their restoration by a network."""

import numpy as np
import torch
from torch import Tensor, nn

from ftn_core.runtime.tiles import AT_ONCE, tiled
from ftn_core.utils.memory import keep_freed_memory


def to_image(pixels: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """``1 x 3 x H x W`` of float32 in [0, 1], from ``3 x H x W`` of uint8 or of floats that are on that scale."""
    image = torch.from_numpy(np.array(pixels)).to(device).float()[None]
    return image / 255 if pixels.dtype == np.uint8 else image


@torch.inference_mode()
def restore(network: nn.Module, degraded: Tensor) -> Tensor:
    """The network's output for ``N x 3 x H x W``, clipped to [0, 1].

    If the network states the ``radius`` of its receptive field, large images are restored in overlapping windows. The
    memory beyond input and output is then bounded.
    """
    keep_freed_memory()
    radius = getattr(network, "radius", None)
    if radius is None:
        output: Tensor = network(degraded)
        return output.clamp(0, 1)
    return tiled(network, degraded, radius, at_once=AT_ONCE.get(degraded.device.type, 1)).clamp_(0, 1)
