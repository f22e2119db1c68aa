"""PNG, whose ancillary chunks (profile, EXIF, gamma, text, resolution) pass from file to file as they are.

Pillow reads and writes no more than 8 bits of a colour, so 16 are written by pypng.
"""

import io
from pathlib import Path
from typing import IO, Any

import numpy as np
import png
from PIL import Image

from serving.files.pictures.picture import Pixels

_ABOUT_PIXELS = (b"tRNS", b"bKGD", b"hIST", b"sBIT", b"sPLT", b"acTL", b"fcTL", b"fdAT")
"""Ancillary chunks that say something about samples or palette, which may be others now."""


def depth(path: Path) -> int:
    """Bits a sample, by the header."""
    with path.open("rb") as file:
        return file.read(25)[-1]


def keep(path: Path, _image: Image.Image) -> dict[str, Any]:
    """The chunks to keep. Every chunk's checksum is compared, which Pillow does not do for those that hold pixels.

    Raises:
        png.ChunkError: a checksum does not match, or the file ends early.
    """
    with path.open("rb") as file:
        # ancillary is what begins with a small letter
        chunks = [(kind, data) for kind, data in png.Reader(file=file).chunks() if kind[:1].islower()]
    return {"chunks": [(kind, data) for kind, data in chunks if kind not in _ABOUT_PIXELS]}


def write(file: IO[bytes], pixels: Pixels, kept: dict[str, Any]) -> None:
    """Write 8 or 16 bits a sample; the kept chunks stand where all of them may: before the pixels."""
    plain = io.BytesIO()
    if pixels.dtype == np.uint8:
        Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(plain, "PNG")
    else:
        height, width, channels = pixels.shape
        writer = png.Writer(width, height, greyscale=channels < 3, alpha=channels in (2, 4), bitdepth=16)
        writer.write_packed(plain, (row.astype(">u2").tobytes() for row in pixels))
    plain.seek(0)
    header, *others = png.Reader(file=plain).chunks()
    png.write_chunks(file, [header, *kept["chunks"], *others])
