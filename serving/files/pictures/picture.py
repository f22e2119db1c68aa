"""One picture in memory."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

PixelArray = NDArray[np.unsignedinteger]
"""``H x W x C`` of uint8 or uint16: grey, grey and alpha, RGB, or RGB and alpha."""


@dataclass
class Picture:
    """PixelArray as they are stored, and the file's metadata.

    Args:
        orientation: EXIF's, 1 to 8. PixelArray are not rotated, and the tag is kept, so that viewers rotate them once.
        kept: what the format's reader passes to its writer: profile, EXIF, resolution, text, compression.
    """

    pixels: PixelArray
    format: str
    orientation: int = 1
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def has_alpha(self) -> bool:
        return self.pixels.shape[2] in (2, 4)
