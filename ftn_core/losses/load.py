"""Loads a loss from its file, which holds its name, its options and all tensors that it needs."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from ftn_core.losses.loss import Loss
from ftn_core.losses.pixel import Pixel
from ftn_core.runtime.checkpoint import read_tensors
from ftn_core.runtime.images import to_image
from ftn_core.utils.errors import UserError

FORMAT = "ftn-objective/1"
PICTURE = "picture"
"""Name of the tensor with the style image, ``3 x H x W`` of uint8; all other tensors are VGG16's weights."""


def load_loss(path: Path) -> Loss:
    """Build the loss that ``pack_loss`` wrote, on the CPU.

    Raises:
        UserError: the file cannot be read, or has another format.
    """
    tensors, header = read_tensors(path)
    if header.get("format") != FORMAT:
        raise UserError(f"{path} is of format {header.get('format')!r}; this version reads {FORMAT!r}")
    options = dict(header["options"])
    # imported only when needed: torchvision takes a second
    match header["name"]:
        case "perceptual":
            from ftn_core.losses.perceptual import Perceptual

            return Perceptual(tensors, **options)
        case "style":
            from ftn_core.losses.style import Style

            return Style(tensors, to_image(tensors.pop(PICTURE).numpy()), **options)
        case name:
            return Pixel(name)


def loss_metric(path: Path, device: torch.device) -> Callable[[Tensor, Tensor], Tensor] | None:
    """The packed loss as a metric in decibels; None if it is PSNR."""
    objective = load_loss(path)
    return None if isinstance(objective, Pixel) else objective.to(device).decibels
