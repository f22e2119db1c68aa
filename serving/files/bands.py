"""Restores a picture of any size in bands of rows, so that only one band is in memory as floats."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ftn_core.runtime.images import restore
from ftn_core.runtime.tiles import WINDOW, Span, spans
from serving.files.pictures import Picture, PixelArray


def pixels_to_tensor(pixels: PixelArray) -> Tensor:
    """``1 x 3 x H x W`` in [0, 1] from ``H x W x C``. Grey becomes three equal channels, alpha is dropped."""
    colours = pixels[..., : 1 if pixels.shape[2] < 3 else 3]
    planes = torch.from_numpy(colours.transpose(2, 0, 1).astype(np.float32, order="C"))
    return (planes / np.iinfo(pixels.dtype).max).expand(3, -1, -1)[None]


def tensor_to_pixels(image: Tensor, like: PixelArray) -> PixelArray:
    """``H x W x 3``, or ``H x W x 1`` (the mean of the channels) if ``like`` is grey, in the bit depth of ``like``.

    Args:
        image: ``1 x 3 x H x W`` in [0, 1].
    """
    planes = image[0].mean(dim=0, keepdim=True) if like.shape[2] < 3 else image[0]
    samples = (planes * np.iinfo(like.dtype).max).round().permute(1, 2, 0).cpu().numpy()
    return samples.astype(like.dtype)


def restore_in_bands(
    network: nn.Module, picture: Picture, progress: Callable[[int], None] = lambda rows: None
) -> PixelArray:
    """The restored pixels, rounded to the picture's bit depth. The alpha channel is copied.

    The result is that of ``restore`` on the whole picture. The bands end where ``restore`` would cut windows, so that
    on a CPU the pixels are equal to the bit.

    Args:
        progress: called with the number of rows that are done.
    """
    pixels = picture.pixels
    output = pixels.copy()
    device = next(network.parameters()).device
    colours = 1 if pixels.shape[2] < 3 else 3
    for rows in _bands(network, len(pixels)):
        image = restore(network, pixels_to_tensor(pixels[rows.start : rows.stop]).to(device))
        inside = slice(rows.keep_from - rows.start, rows.keep_to - rows.start)
        output[rows.keep_from : rows.keep_to, :, :colours] = tensor_to_pixels(image[:, :, inside], pixels)
        progress(rows.keep_to)
    return output


def _bands(network: nn.Module, height: int) -> Sequence[Span]:
    radius = getattr(network, "radius", None)
    return [Span(0, height, 0, height)] if radius is None else spans(height, radius, WINDOW)
