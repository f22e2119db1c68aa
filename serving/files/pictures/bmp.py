"""BMP: 24 bits, or 8 of grey; written without compression."""

from pathlib import Path
from typing import IO, Any

from PIL import Image

from ftn_core.utils.errors import UserError
from serving.files.pictures.picture import PixelArray

_PROFILES = (b"DEBM", b"KNIL")
"""Kinds of colours in a header of version 5 that bring a profile, which Pillow would lose: embedded, and linked."""


def keep(path: Path, image: Image.Image) -> dict[str, Any]:
    """The resolution.

    Raises:
        UserError: the file has alpha or a colour profile, which would be lost.
    """
    with path.open("rb") as file:
        header = file.read(74)
    if image.has_transparency_data or header[70:] in _PROFILES:
        raise UserError("BMP with alpha or a colour profile: convert it to PNG first")
    return {"dpi": image.info["dpi"]} if "dpi" in image.info else {}


def write(file: IO[bytes], pixels: PixelArray, kept: dict[str, Any]) -> None:
    """Write grey or RGB."""
    Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(file, "BMP", **kept)
