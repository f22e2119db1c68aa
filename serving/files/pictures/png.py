"""PNG: ancillary chunks (profile, EXIF, gamma, text, resolution) are copied unchanged.

Pillow reads and writes at most 8 bits of a colour, so pypng writes 16.
"""

import io
from pathlib import Path
from typing import IO, Any

import numpy as np
import png
from PIL import Image

from serving.files.pictures.picture import PixelArray

_ABOUT_PIXELS = (b"tRNS", b"bKGD", b"hIST", b"sBIT", b"sPLT", b"acTL", b"fcTL", b"fdAT")
"""Ancillary chunks about samples or palette. They are not copied, because samples and palette may change."""


def depth(path: Path) -> int:
    """Bits a sample, from the header."""
    with path.open("rb") as file:
        return file.read(25)[-1]


def keep(path: Path, _image: Image.Image) -> dict[str, Any]:
    """The chunks to copy. This checks every chunk's checksum: Pillow skips those of the pixels.

    Raises:
        png.ChunkError: a checksum does not match, or the file ends early.
    """
    with path.open("rb") as file:
        # the names of ancillary chunks begin with a small letter
        chunks = [(kind, data) for kind, data in png.Reader(file=file).chunks() if kind[:1].islower()]
    return {"chunks": [(kind, data) for kind, data in chunks if kind not in _ABOUT_PIXELS]}


def read_16_bits(path: Path) -> PixelArray:
    """The pixels of a file with 16 bits a sample, ``H x W x C``."""
    with path.open("rb") as file:
        _, _, rows, info = png.Reader(file=file).read()
        pixels = np.stack([np.asarray(row, np.uint16) for row in rows])
    return pixels.reshape(len(pixels), -1, info["planes"])


def write(file: IO[bytes], pixels: PixelArray, kept: dict[str, Any]) -> None:
    """Write 8 or 16 bits a sample. The copied chunks stand before the pixels, where all of them are allowed."""
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
