"""Packs losses for training: VGG16's layers up to the deepest one in use, and decoded style images."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ftn_core.losses.load import FORMAT, PICTURE
from ftn_core.losses.vgg16 import LAYERS
from ftn_core.parameters.losses import LossOptions, PerceptualLossOptions, StyleLossOptions
from ftn_core.runtime.checkpoint import write_tensors
from ftn_core.sources.decode import Unusable, decode
from ftn_core.sources.vgg16_weights import read_weights
from ftn_core.utils.errors import UserError


def pack_loss(path: Path, loss: LossOptions, *, weights: str, features: Path, styles: Path) -> None:
    """Write a loss to one self-contained file. The file of a pixel loss depends only on the loss's name.

    Args:
        weights: source of VGG16's weights (see ``read_weights``).
        features: folder of files of weights.
        styles: folder of style images.

    Raises:
        UserError: the weights or the style image cannot be used.
    """
    tensors: dict[str, Tensor] = {}
    options = loss.model_dump(exclude={"name", "image", "size"})
    match loss:
        case PerceptualLossOptions():
            tensors = _features(weights, loss.layers, features)
        case StyleLossOptions():
            tensors = _features(weights, [loss.content_layer, *loss.style_layers], features)
            tensors[PICTURE] = style_picture(styles / loss.image, loss.size)
    write_tensors(path, tensors, {"format": FORMAT, "name": loss.name, "options": options})


def style_picture(path: Path, size: int) -> Tensor:
    """A style image, resized so that its longer side has ``size`` pixels: ``3 x H x W`` of uint8.

    Raises:
        UserError: the image cannot be read.
    """
    there = ", ".join(sorted(p.name for p in path.parent.glob("*.*") if p.suffix not in (".md", ".py")))
    if not path.is_file():
        raise UserError(f"style image {path} does not exist: put it there, or name one of {there}")
    try:
        pixels = decode(path, min_side=16, max_pixels=100_000_000)
    except Unusable as error:
        raise UserError(f"style image {path} cannot be used ({error}): replace it, or name one of {there}") from None
    height, width = pixels.shape[1:]
    scale = size / max(height, width)
    small = Image.fromarray(pixels.transpose(1, 2, 0)).resize(
        (max(round(width * scale), 16), max(round(height * scale), 16)), Image.Resampling.LANCZOS
    )
    return torch.from_numpy(np.array(small)).permute(2, 0, 1)


def _features(weights: str, layers: Sequence[str], folder: Path) -> dict[str, Tensor]:
    return read_weights(weights, max(layers, key=LAYERS.__getitem__), folder)
