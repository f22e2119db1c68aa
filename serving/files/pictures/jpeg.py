"""JPEG: written no coarser than its source was, nor than quality 95."""

import io
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, JpegImagePlugin

from serving.files.pictures.picture import Pixels

QUALITY = 95


def keep(_path: Path, image: Image.Image) -> dict[str, Any]:
    """Profile, EXIF, XMP, comment, resolution, and how it was compressed."""
    kept = {name: image.info[name] for name in ("icc_profile", "exif", "xmp", "comment", "dpi") if name in image.info}
    tables: dict[int, list[int]] = getattr(image, "quantization", {})
    subsampling = JpegImagePlugin.get_sampling(image)
    return kept | {
        "qtables": _no_coarser(tables, image.mode),
        "subsampling": subsampling if subsampling >= 0 else 0,  # -1: grey, or a way that Pillow does not write
        "progressive": bool(image.info.get("progressive")),
    }


def _no_coarser(tables: dict[int, list[int]], mode: str) -> dict[int, list[int]]:
    """The finer of the source's steps and those of ``QUALITY``, for each frequency of each table."""
    example = io.BytesIO()
    Image.new("L" if mode == "L" else "RGB", (8, 8)).save(example, "JPEG", quality=QUALITY)
    with Image.open(example) as image:
        fine: dict[int, list[int]] = image.quantization  # type: ignore[attr-defined]
    return {i: np.minimum(table, tables.get(i, table)).tolist() for i, table in fine.items()}


def write(file: IO[bytes], pixels: Pixels, kept: dict[str, Any]) -> None:
    """Write grey or RGB."""
    Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(file, "JPEG", **kept)
