"""Pictures that are open on the page, and the part of them that is in view."""

from dataclasses import dataclass
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

_MIN_SIDE, MAX_PIXELS = 16, 50_000_000


@dataclass(frozen=True, eq=False)
class OpenedPicture:
    """A picture that is open on the page.

    Args:
        pixels: ``3 x H x W``.
        path: its file.
        about: where it comes from, for the user.
    """

    name: str
    pixels: NDArray[np.uint8]
    path: Path = Path()
    about: str = ""

    @property
    def size(self) -> str:
        """Width and height as text."""
        return f"{self.pixels.shape[2]} × {self.pixels.shape[1]}"


@dataclass(frozen=True)
class Part:
    """A rectangle in a picture, in pixels."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def within(cls, picture: OpenedPicture, left: float, top: float, width: float, height: float) -> "Part":
        """The rectangle, moved and cut so that it lies in the picture and is not empty."""
        whole = picture.pixels.shape[:0:-1]
        sides = [max(1, min(round(side), most)) for side, most in zip((width, height), whole, strict=True)]
        corner = [max(0, min(round(at), most - n)) for at, n, most in zip((left, top), sides, whole, strict=True)]
        return cls(*corner, *sides)

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


def decode_picture(path: Path, name: str = "", about: str = "") -> OpenedPicture:
    """Decode an image file.

    Args:
        name: for the user; else the file's own.

    Raises:
        UserError: it is not a readable image, or too small or too large.
    """
    name = name or path.name
    try:
        return OpenedPicture(name, decode(path, min_side=_MIN_SIDE, max_pixels=MAX_PIXELS), path, about)
    except Unusable as error:
        raise UserError(f"{name} cannot be used: {error}. JPEG, PNG, WebP, TIFF, GIF and BMP are read") from None


def whole(picture: OpenedPicture) -> Part:
    """All of a picture."""
    return Part(0, 0, picture.pixels.shape[2], picture.pixels.shape[1])


def given(picture: OpenedPicture, degradation: Degradation | None = None, level: float = 0.0) -> NDArray:
    """``3 x H x W``: the whole picture as a network is given it, degraded at a level or as it is."""
    return _degraded(picture, degradation, level) if degradation and degradation.steps else picture.pixels


@lru_cache(1)
def _degraded(picture: OpenedPicture, degradation: Degradation, level: float) -> NDArray:
    return degradation(picture.pixels, level)


def scene(
    picture: OpenedPicture,
    part: Part,
    degradation: Degradation | None = None,
    level: float = 0.0,
    reference: OpenedPicture | None = None,
) -> Scene:
    """A part of the picture, degraded at a level, or as it is without a degradation.

    The whole picture is degraded before it is cut, so that the part looks as it does in the whole.

    Raises:
        UserError: the reference, which PSNR is measured against, has another size.
    """
    if reference and reference.pixels.shape != picture.pixels.shape:
        raise UserError(f"{reference.name} is {reference.size} pixels, but {picture.name} is {picture.size}")
    degraded = given(picture, degradation, level)
    clean = reference or (None if degraded is picture.pixels else picture)
    return Scene(to_image(degraded[part.slices]), None if clean is None else to_image(clean.pixels[part.slices]))
