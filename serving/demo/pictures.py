"""Pictures that are open on the page, and the part of them that is in view."""

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
"""Longest side in pixels of the part in view, which is restored while the dial moves."""
_MIN_SIDE, _MAX_PIXELS = 16, 50_000_000


@dataclass(frozen=True, eq=False)
class OpenedPicture:
    """A picture that is open on the page.

    Args:
        pixels: ``3 x H x W``.
        reference: the clean picture of the same size, if it is known.
    """

    name: str
    pixels: NDArray[np.uint8]
    about: str = ""
    reference: NDArray[np.uint8] | None = None

    @property
    def size(self) -> str:
        """Width and height as text."""
        return f"{self.pixels.shape[2]} × {self.pixels.shape[1]}"


@dataclass(frozen=True)
class Window:
    """A rectangle in a picture, in pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The slices of an array of ``3 x H x W``."""
        return slice(None), slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


@dataclass(frozen=True)
class Scene:
    """A network's input, and the clean image if it is known: ``1 x 3 x H x W`` in [0, 1], noise may go beyond."""

    degraded: Tensor
    clean: Tensor | None


def samples() -> dict[str, Photograph]:
    """The photographs of scikit-image and scikit-learn, the held-out ones first."""
    found = sorted(sample_photographs(), key=lambda photograph: (photograph.split != "test", photograph.name))
    return {f"{Path(p.name).stem} ({'held out' if p.split == 'test' else p.split})": p for p in found}


def decode_picture(path: Path, about: str = "") -> OpenedPicture:
    """Decode an image file.

    Args:
        about: where the picture comes from, for the user.

    Raises:
        UserError: it is not a readable image, or too small or too large.
    """
    try:
        return OpenedPicture(path.name, decode(path, min_side=_MIN_SIDE, max_pixels=_MAX_PIXELS), about)
    except Unusable as error:
        raise UserError(f"{path.name} cannot be used: {error}. JPEG, PNG, WebP, TIFF, GIF and BMP are read") from None


def with_reference(picture: OpenedPicture, reference: OpenedPicture) -> OpenedPicture:
    """The picture with a clean copy, for PSNR. Raises ``UserError`` if their sizes differ."""
    if picture.pixels.shape != reference.pixels.shape:
        raise UserError(f"{reference.name} is {reference.size} pixels, but {picture.name} is {picture.size}")
    return replace(picture, reference=reference.pixels)


def window(picture: OpenedPicture, across: float, down: float) -> Window:
    """The part in view: the whole picture, or at most ``VIEW`` pixels a side of a larger one.

    A large picture is cut and not scaled: scaling removes noise and blocks, so that another level would be right.

    Args:
        across, down: in [0, 1], where to cut: 0 is left and top, 1 is right and bottom.
    """
    height, width = (min(side, VIEW) for side in picture.pixels.shape[1:])
    top, left = (picture.pixels.shape[1] - height) * down, (picture.pixels.shape[2] - width) * across
    return Window(round(top), round(left), height, width)


def whole(picture: OpenedPicture) -> Window:
    """All of a picture."""
    return Window(0, 0, *picture.pixels.shape[1:])


def scene(picture: OpenedPicture, part: Window, degradation: Degradation | None = None, level: float = 0.0) -> Scene:
    """A part of the picture, degraded at a level, or as it is without a degradation.

    The whole picture is degraded before it is cut, so that the part looks as it does in the whole.
    """
    pixels, clean = picture.pixels, picture.reference
    if degradation and degradation.steps:
        pixels, clean = _degraded(picture, degradation, level), pixels if clean is None else clean
    return Scene(to_image(pixels[part.slices]), None if clean is None else to_image(clean[part.slices]))


@lru_cache(1)
def _degraded(picture: OpenedPicture, degradation: Degradation, level: float) -> NDArray:
    return degradation(picture.pixels, level)
