"""WebP: lossless stays lossless, the rest is written at quality 95."""

import struct
from pathlib import Path
from typing import IO, Any

from PIL import Image

from serving.files.pictures.picture import Pixels

QUALITY = 95


def keep(path: Path, image: Image.Image) -> dict[str, Any]:
    """Profile, EXIF and XMP, and how it was compressed."""
    kept = {name: image.info[name] for name in ("icc_profile", "exif", "xmp") if name in image.info}
    # exact: colours below full transparency stay, too
    return kept | ({"lossless": True} if _lossless(path) else {"quality": QUALITY}) | {"exact": True}


def _lossless(path: Path) -> bool:
    """Whether the pixels are in a chunk of the lossless kind."""
    with path.open("rb") as file:
        file.seek(12)  # RIFF, size, WEBP
        while len(head := file.read(8)) == 8:
            kind, size = struct.unpack("<4sI", head)
            if kind in (b"VP8L", b"VP8 "):
                return bool(kind == b"VP8L")
            file.seek(size + size % 2, 1)
    return False


def write(file: IO[bytes], pixels: Pixels, kept: dict[str, Any]) -> None:
    """Write RGB, with alpha or without; WebP has no grey of its own."""
    Image.fromarray(pixels).save(file, "WEBP", **kept)
