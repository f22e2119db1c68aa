"""Picture files: read at full bit depth, and written in the same format with all their metadata."""

from pathlib import Path

from ftn_core.sources.tiff import SIGNATURES
from ftn_core.utils.errors import UserError
from ftn_core.utils.limits import free_memory
from serving.files.pictures import by_pillow, tiff
from serving.files.pictures.picture import Picture, PixelArray

__all__ = ["OTHER_SUFFIXES", "SUFFIXES", "Picture", "PixelArray", "TooLargeError", "read_picture", "write_picture"]

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff", ".webp", ".bmp"})
"""Which files in folders are pictures. The format is read from the content, not from the suffix."""
OTHER_SUFFIXES = frozenset({".gif", ".heic", ".heif", ".avif", ".jxl", ".jp2"})
"""Those of pictures that cannot be restored. In a folder they are named, so that nobody thinks that they are done."""


class TooLargeError(UserError):
    """The picture has more pixels than the caller allows, or than fit into memory."""


def read_picture(path: Path, max_pixels: int | None = None) -> Picture:
    """Read one PNG, JPEG, TIFF, WebP or BMP picture of 8 or 16 bits a sample, grey or RGB, with or without alpha.

    A palette becomes RGB of 8 bits, a picture of one bit becomes grey of 8 bits.

    Args:
        max_pixels: a picture with more is refused before it is decoded.

    Raises:
        TooLargeError: it has more than ``max_pixels``, or needs more memory than is free.
        UserError: it is of another kind (CMYK, floating point, several pages or frames). No message names the file; the
            caller does.
        Exception: any that the decoders raise for damaged files.
    """

    def has_room(width: int, height: int, bytes_per_pixel: int) -> None:
        if max_pixels is not None and width * height > max_pixels:
            raise TooLargeError(f"{width} x {height} pixels: a picture may have {max_pixels:,}")
        _has_room(width, height, bytes_per_pixel)

    with path.open("rb") as file:
        signature = file.read(4)
    return (tiff if signature in SIGNATURES else by_pillow).read(path, has_room)


def write_picture(picture: Picture, pixels: PixelArray, path: Path) -> None:
    """Write restored pixels in the picture's format, with the picture's metadata.

    Args:
        pixels: with the picture's channels and depth; they may be wider or taller than the picture.

    Raises:
        UserError: the format cannot hold so large a picture.
    """
    height, width = pixels.shape[:2]
    limit = {"JPEG": 65535, "WEBP": 16383}.get(picture.format)
    if limit and max(height, width) > limit:
        raise UserError(f"{width} x {height} pixels: {picture.format} holds no side longer than {limit}")
    (tiff if picture.format == "TIFF" else by_pillow).write(picture, pixels, path)


def _has_room(width: int, height: int, bytes_per_pixel: int) -> None:
    """Refuse a picture that does not fit into memory, before it is decoded: the system would kill the whole run.

    Input, output, and the decoder's or encoder's buffers are four copies at most.
    """
    needed = 4 * width * height * bytes_per_pixel
    free = free_memory()
    if needed > free:
        raise TooLargeError(
            f"{width} x {height} pixels need {needed / 2**30:.1f} GB of memory, {free / 2**30:.1f} are free"
        )
