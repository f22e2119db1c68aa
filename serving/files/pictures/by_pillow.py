"""Reads and writes PNG, JPEG, WebP and BMP, mostly with Pillow."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from ftn_core.sources.eight_bits import decode_pixels
from ftn_core.sources.orientation import orientation
from ftn_core.utils.errors import UserError
from serving.files.pictures import bmp, jpeg, png, webp
from serving.files.pictures.picture import Picture, PixelArray

# Pillow's own limit would refuse large photographs; has_room checks the free memory instead
Image.MAX_IMAGE_PIXELS = None

_FORMATS: dict[str, Any] = {"PNG": png, "JPEG": jpeg, "WEBP": webp, "BMP": bmp}


def read(path: Path, has_room: Callable[[int, int, int], None]) -> Picture:
    """See ``serving.files.pictures.read_picture``."""
    try:
        image = Image.open(path, formats=tuple(_FORMATS))
    except UnidentifiedImageError:
        raise UserError("no PNG, JPEG, TIFF, WebP or BMP picture, or damaged at its beginning") from None
    with image:
        # phones write MPO: a JPEG followed by further pictures, such as a preview
        format = "JPEG" if image.format == "MPO" else str(image.format)
        if format != "JPEG" and getattr(image, "n_frames", 1) > 1:
            raise UserError("an animation: only single pictures can be denoised")
        deep = format == "PNG" and png.depth(path) == 16
        has_room(image.width, image.height, 8 if deep else 4)
        kept = _FORMATS[format].keep(path, image)
        return Picture(_deep(path, image) if deep else decode_pixels(image), format, orientation(image), kept)


def _deep(path: Path, image: Image.Image) -> PixelArray:
    """The pixels of a PNG with 16 bits a sample. Pillow would keep 8 of them."""
    if "transparency" in image.info:
        raise UserError("16 bits and one colour that is transparent: give it an alpha channel first")
    return png.read_16_bits(path)


def write(picture: Picture, pixels: PixelArray, path: Path) -> None:
    """See ``serving.files.pictures.write_picture``."""
    with path.open("wb") as file:
        _FORMATS[picture.format].write(file, pixels, picture.kept)
