"""A picture of any size and depth through a network, in bands of rows: memory does not grow with its floats."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ftn_core.runtime.images import restore
from ftn_core.runtime.tiles import WINDOW, Span, spans
from serving.files.pictures import Picture, Pixels


def to_image(pixels: Pixels) -> Tensor:
    """``1 x 3 x H x W`` in [0, 1] from ``H x W x C``: grey becomes three equal channels, alpha is left out."""
    colours = pixels[..., : 1 if pixels.shape[2] < 3 else 3]
    planes = torch.from_numpy(colours.transpose(2, 0, 1).astype(np.float32, order="C"))
    return (planes / np.iinfo(pixels.dtype).max).expand(3, -1, -1)[None]


def to_colours(image: Tensor, like: Pixels) -> Pixels:
    """``H x W x 1`` (the mean of the three) or ``3``, of the depth and the number of colours of other pixels."""
    planes = image[0].mean(dim=0, keepdim=True) if like.shape[2] < 3 else image[0]
    samples = (planes * np.iinfo(like.dtype).max).round().permute(1, 2, 0).cpu().numpy()
    return samples.astype(like.dtype)


def restored(network: nn.Module, picture: Picture, tell: Callable[[int], None] = lambda row: None) -> Pixels:
    """The picture's pixels, restored: what ``restore`` gives for the whole of it, rounded to the picture's depth.

    Bands of rows go through one after the other, cut where ``restore`` would cut windows: on a CPU the pixels are the
    same to the bit. Alpha passes as it is.

    Args:
        tell: called with the number of rows that are done.
    """
    pixels = picture.pixels
    output = pixels.copy()
    device = next(network.parameters()).device
    colours = 1 if pixels.shape[2] < 3 else 3
    for rows in _bands(network, len(pixels)):
        image = restore(network, to_image(pixels[rows.start : rows.stop]).to(device))
        inside = slice(rows.keep_from - rows.start, rows.keep_to - rows.start)
        output[rows.keep_from : rows.keep_to, :, :colours] = to_colours(image[:, :, inside], pixels)
        tell(rows.keep_to)
    return output


def _bands(network: nn.Module, height: int) -> Sequence[Span]:
    radius = getattr(network, "radius", None)
    return [Span(0, height, 0, height)] if radius is None else spans(height, radius, WINDOW)
