"""JPEG compression, by libjpeg-turbo as Pillow carries it, whose integer arithmetic is the same on every machine."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ftn_core.degradations.step import InOnePiece, Pixels
from ftn_core.parameters.quantities import QUALITY


@dataclass(frozen=True)
class Jpeg(InOnePiece):
    """Encoded and decoded again: quality as libjpeg scales it, colours at half the resolution (4:2:0), as is usual."""

    quantity = QUALITY
    words = "JPEG compression"
    limits = "JPEG by libjpeg's tables, colours at half the resolution, once: other encoders and repeated saving differ"

    def degraded(self, pixels: Pixels, strength: float) -> Pixels:
        memory = io.BytesIO()
        image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
        image.save(memory, "JPEG", quality=int(strength), subsampling="4:2:0")
        with Image.open(memory) as decoded:
            return np.ascontiguousarray(np.asarray(decoded).transpose(2, 0, 1))
