"""Bicubic downscaling and upscaling to the old size: AdaFM's input for super-resolution (arXiv 1904.08118)."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from ftn_core.degradations.step import Pixels, WholeImageStep
from ftn_core.parameters.quantities import SCALE


@dataclass(frozen=True)
class Downscaling(WholeImageStep):
    """Downscales by a factor, which need not be whole, and upscales again, so that networks keep height and width.

    Pillow's bicubic filter does both, in 8 bits. It widens with the factor, as MATLAB's does, and so avoids aliasing.
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
