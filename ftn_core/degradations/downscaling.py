"""Bicubic downscaling, and back to the old size: what super-resolution is trained on in AdaFM's form."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from ftn_core.degradations.step import InOnePiece, Pixels
from ftn_core.parameters.quantities import SCALE


@dataclass(frozen=True)
class Downscaling(InOnePiece):
    """Smaller by a factor, whole or not, and enlarged again, so that networks keep height and width.

    Both by Pillow's bicubic filter, which widens with the factor as MATLAB's does (no aliasing), in 8 bits.
    """

    quantity = SCALE
    words = "bicubic downscaling"
    limits = "downscaling by an antialiased bicubic filter, enlarged again: a camera's blur is something else"

    def degraded(self, pixels: Pixels, strength: float) -> Pixels:
        image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
        width, height = (max(1, round(side / strength)) for side in image.size)
        small = image.resize((width, height), Image.Resampling.BICUBIC)
        large = small.resize(image.size, Image.Resampling.BICUBIC)
        return np.ascontiguousarray(np.asarray(large).transpose(2, 0, 1))
