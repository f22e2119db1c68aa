"""WebP: lossless files stay lossless, others are written at quality 95."""

import struct
from pathlib import Path
from typing import IO, Any

from PIL import Image

from serving.files.pictures.picture import PixelArray

LOSSY_QUALITY = 95


def keep(path: Path, image: Image.Image) -> dict[str, Any]:
    """Profile, EXIF and XMP, and compression settings."""
    kept = {name: image.info[name] for name in ("icc_profile", "exif", "xmp") if name in image.info}
    # exact: keep the colours of fully transparent pixels
    return kept | ({"lossless": True} if _lossless(path) else {"quality": LOSSY_QUALITY}) | {"exact": True}


def _lossless(path: Path) -> bool:
    """Whether the pixels are in a lossless chunk."""
    with path.open("rb") as file:
        file.seek(12)  # RIFF, size, WEBP
        while len(head := file.read(8)) == 8:
            kind, size = struct.unpack("<4sI", head)
            if kind in (b"VP8L", b"VP8 "):
                return bool(kind == b"VP8L")
            file.seek(size + size % 2, 1)
    return False


def write(file: IO[bytes], pixels: PixelArray, kept: dict[str, Any]) -> None:
    """Write RGB, with alpha or without. WebP has no grey."""
    Image.fromarray(pixels).save(file, "WEBP", **kept)
