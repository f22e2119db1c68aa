"""Pictures as people keep them: read at full depth, written with all that belongs to them."""

from pathlib import Path

import psutil

from ftn_core.utils.errors import UserError
from serving.files.pictures import by_pillow, tiff
from serving.files.pictures.picture import Picture, Pixels

__all__ = ["SUFFIXES", "Picture", "Pixels", "read_picture", "write_picture"]

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff", ".webp"})
"""By which pictures are found in folders. What a file is, its content says."""


def read_picture(path: Path) -> Picture:
    """Read one PNG, JPEG, TIFF or WebP picture of 8 or 16 bits a sample, grey or RGB, with or without alpha.

    Palettes and pictures of one bit become RGB and grey of 8 bits.

    Raises:
        UserError: it is of another kind (CMYK, floating point, several pages or frames), or needs more memory than is
            free. The message names no file: that is the caller's, who names all that failed.
        Exception: whatever decoders raise at damaged files.
    """
    with path.open("rb") as file:
        signature = file.read(4)
    return (tiff if signature in tiff.SIGNATURES else by_pillow).read(path, _has_room)


def write_picture(picture: Picture, pixels: Pixels, path: Path) -> None:
    """Write restored pixels, of the picture's own kind or wider or taller, in its format and with all it had.

    Raises:
        UserError: the format holds no picture so large.
    """
    height, width = pixels.shape[:2]
    limit = {"JPEG": 65535, "WEBP": 16383}.get(picture.format)
    if limit and max(height, width) > limit:
        raise UserError(f"{width} x {height} pixels: {picture.format} holds no side longer than {limit}")
    (tiff if picture.format == "TIFF" else by_pillow).write(picture, pixels, path)


def _has_room(width: int, height: int, bytes_per_pixel: int) -> None:
    """Refuse, before anything is decoded, what would have the system kill the whole run.

    Input, output and what the decoder or encoder holds beside them are four copies at most.
    """
    needed = 4 * width * height * bytes_per_pixel
    free = psutil.virtual_memory().available
    if needed > free:
        raise UserError(
            f"{width} x {height} pixels need {needed / 2**30:.1f} GB of memory, {free / 2**30:.1f} are free"
        )
