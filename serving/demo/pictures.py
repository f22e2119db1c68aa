"""The pictures that the page restores, and what of them is in view."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ftn_core.degradations.degradation import Degradation
from ftn_core.runtime.images import to_image
from ftn_core.sources.decode import Unusable, decode
from ftn_core.sources.photograph import Photograph
from ftn_core.sources.sample import sample_photographs
from ftn_core.utils.errors import UserError

VIEW = 640
"""Longest side in pixels of what is restored while the dial moves."""
_MIN_SIDE, _MAX_PIXELS = 16, 50_000_000

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Picture:
    """``pixels`` are ``3 x H x W`` of uint8; so is ``reference``, the same in its best state, where there is one."""

    name: str
    pixels: Pixels
    about: str = ""
    reference: Pixels | None = None

    @property
    def size(self) -> str:
        """Width and height in words."""
        return f"{self.pixels.shape[2]} × {self.pixels.shape[1]}"


@dataclass(frozen=True)
class Window:
    """A part of a picture, in pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Of ``3 x H x W``."""
        return slice(None), slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


@dataclass(frozen=True)
class Scene:
    """What a network is given, ``1 x 3 x H x W`` in [0, 1] (noise may go beyond), and the truth where it is known."""

    degraded: Tensor
    clean: Tensor | None


def samples() -> dict[str, Photograph]:
    """The photographs that scikit-image and scikit-learn bring along, those that no training sees by default first."""
    found = sorted(sample_photographs(), key=lambda photograph: (photograph.split != "test", photograph.name))
    return {f"{Path(p.name).stem} ({'held out' if p.split == 'test' else p.split})": p for p in found}


def read(path: Path, about: str = "") -> Picture:
    """Decode an image file; ``about`` says where it comes from.

    Raises:
        UserError: it is not a readable image, or too small or too large.
    """
    try:
        return Picture(path.name, decode(path, min_side=_MIN_SIDE, max_pixels=_MAX_PIXELS), about)
    except Unusable as reason:
        raise UserError(f"{path.name} cannot be used: {reason}. JPEG, PNG, WebP, TIFF, GIF and BMP are read") from None


def with_reference(picture: Picture, reference: Picture) -> Picture:
    """The picture with the truth that its PSNR is measured against. Raises ``UserError`` where the sizes differ."""
    if picture.pixels.shape != reference.pixels.shape:
        raise UserError(f"{reference.name} is {reference.size} pixels, but {picture.name} is {picture.size}")
    return replace(picture, reference=reference.pixels)


def window(picture: Picture, across: float, down: float) -> Window:
    """What is in view: the whole picture, or ``VIEW`` pixels a side of a larger one.

    It is cut, not reduced: reducing takes noise and blocks away, and the dial would mean another level. ``across`` and
    ``down`` in [0, 1] say where: 0 is left and top, 1 right and bottom.
    """
    height, width = (min(side, VIEW) for side in picture.pixels.shape[1:])
    top, left = (picture.pixels.shape[1] - height) * down, (picture.pixels.shape[2] - width) * across
    return Window(round(top), round(left), height, width)


def whole(picture: Picture) -> Window:
    """All of a picture."""
    return Window(0, 0, *picture.pixels.shape[1:])


def scene(picture: Picture, part: Window, degradation: Degradation | None = None, level: float = 0.0) -> Scene:
    """A part of the picture after a degradation at a level; None: as it is.

    The whole picture goes through it, so that the part shows what the whole would.
    """
    pixels, clean = picture.pixels, picture.reference
    if degradation and degradation.steps:
        pixels, clean = _degraded(picture, degradation, level), pixels if clean is None else clean
    return Scene(to_image(pixels[part.slices]), None if clean is None else to_image(clean[part.slices]))


@lru_cache(1)
def _degraded(picture: Picture, degradation: Degradation, level: float) -> NDArray:
    return degradation(picture.pixels, level)
