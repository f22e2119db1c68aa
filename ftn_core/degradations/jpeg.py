"""JPEG compression by the libjpeg-turbo in Pillow. Its integer arithmetic gives the same bytes on every machine."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ftn_core.degradations.step import Pixels, WholeImageStep
from ftn_core.parameters.quantities import QUALITY


@dataclass(frozen=True)
class Jpeg(WholeImageStep):
    """Encodes and decodes at libjpeg's quality, with colours at half the resolution (4:2:0), as is usual."""

    quantity = QUALITY
    words = "JPEG compression"
    limits = "JPEG by libjpeg's tables, colours at half the resolution, once: other encoders and repeated saving differ"

    def degraded(self, pixels: Pixels, strength: float) -> Pixels:
        memory = io.BytesIO()
        image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
        image.save(memory, "JPEG", quality=int(strength), subsampling="4:2:0")
        with Image.open(memory) as decoded:
            return np.ascontiguousarray(np.asarray(decoded).transpose(2, 0, 1))
