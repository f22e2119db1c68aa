"""What ``--quick`` uses in place of photographs and trained models, so that it runs on a fresh machine."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.inference import DEFAULT, denoiser_of
from ftn_core.sources.decode import decode
from ftn_core.sources.sample import sample_photographs

SIDE = 64


def small_photographs() -> list[NDArray[np.uint8]]:
    """A crop of each sample photograph, ``3 x SIDE x SIDE + 1``."""
    return [decode(p.path, min_side=SIDE, max_pixels=10**8)[:, :SIDE, : SIDE + 1] for p in sample_photographs()]


def write_small_photographs(folder: Path) -> None:
    """The crops as files below ``train``, ``val`` and ``test``."""
    for i, pixels in enumerate(small_photographs()):
        path = folder / ("train", "val", "test")[i % 3] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(path)


@contextlib.contextmanager
def untrained_model() -> Iterator[Path]:
    """File of the default network with one adapted level, fresh weights."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "denoiser.safetensors")
        denoiser_of(*DEFAULT).save(path)
        yield path
