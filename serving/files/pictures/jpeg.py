"""JPEG: no quantisation step is coarser than the source's or than that of quality 95."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, JpegImagePlugin

from serving.files.pictures.picture import PixelArray

MIN_QUALITY = 95
_EXIF = b"Exif\0\0"
_IN_SEGMENT = 65_533 - len(_EXIF)
"""Bytes of EXIF that fit into one segment."""


def keep(_path: Path, image: Image.Image) -> dict[str, Any]:
    """Profile, EXIF, XMP, comment, resolution, and compression settings."""
    kept = {name: image.info[name] for name in ("icc_profile", "exif", "xmp", "comment", "dpi") if name in image.info}
    tables: dict[int, list[int]] = getattr(image, "quantization", {})
    subsampling = JpegImagePlugin.get_sampling(image)
    return kept | {
        "qtables": _no_coarser(tables, image.mode),
        "subsampling": subsampling if subsampling >= 0 else 0,  # -1: grey, or a subsampling that Pillow cannot write
        "progressive": bool(image.info.get("progressive")),
    }


def _no_coarser(tables: dict[int, list[int]], mode: str) -> dict[int, list[int]]:
    """For each frequency of each table the smaller step of the source's and that of ``MIN_QUALITY``."""
    example = io.BytesIO()
    Image.new("L" if mode == "L" else "RGB", (8, 8)).save(example, "JPEG", quality=MIN_QUALITY)
    with Image.open(example) as image:
        fine: dict[int, list[int]] = image.quantization  # type: ignore[attr-defined]
    return {i: np.minimum(table, tables.get(i, table)).tolist() for i, table in fine.items()}


def write(file: IO[bytes], pixels: PixelArray, kept: dict[str, Any]) -> None:
    """Write grey or RGB."""
    kept = kept | {"exif": b"", "extra": b"".join(_segments(kept["exif"]))} if "exif" in kept else kept
    Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(file, "JPEG", **kept)


def _segments(exif: bytes) -> Iterator[bytes]:
    """EXIF as segments of a JPEG. Pillow reads EXIF that fills several, but writes one only."""
    content = exif.removeprefix(_EXIF)
    for start in range(0, len(content), _IN_SEGMENT):
        part = _EXIF + content[start : start + _IN_SEGMENT]
        yield b"\xff\xe1" + (2 + len(part)).to_bytes(2, "big") + part
