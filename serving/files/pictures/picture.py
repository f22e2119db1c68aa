"""One picture in memory."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.unsignedinteger]
"""``H x W x C`` of uint8 or uint16: grey, grey and alpha, RGB, or RGB and alpha."""


@dataclass
class Picture:
    """Pixels as they are stored, and what else the file held.

    ``orientation`` is EXIF's, 1 to 8: pixels are not turned upright, and the tag is kept, so that viewers turn once.
    ``kept`` belongs to the format's own reader and writer: profile, EXIF, resolution, text, how it was compressed.
    """

    pixels: Pixels
    format: str
    orientation: int = 1
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def has_alpha(self) -> bool:
        return self.pixels.shape[2] in (2, 4)
