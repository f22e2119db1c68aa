"""Degraded sets: every photograph at one level, packed."""

import shutil
from collections.abc import Generator
from contextlib import closing
from itertools import islice
from pathlib import Path

from numpy.typing import NDArray

from ftn_core.data.store import Store, StoreWriter
from ftn_core.degradations.degradation import Degradation
from ftn_core.degradations.step import Piece
from ftn_core.utils.memory import keep_freed_memory
from ftn_core.utils.prefetch import prefetch
from ftn_core.utils.progress import Progress

_SPLITS = ("train", "val", "test")
_IN_FLIGHT = 2**24
"""Values that wait for the writer, for each core; and as many that wait to be degraded."""


def write_degraded_set(
    photographs: Path, out: Path, degradation: Degradation, level: float, *, seed: int, train: bool
) -> None:
    """Write ``out/{train,val,test}``: the packed photographs at a level, worked out on all cores.

    The training split stays empty unless ``train``: what is fresh in every batch needs none on disk. Memory does not
    grow with the number of photographs; of noise alone it holds two of them in uint8, beyond that a few for each core.
    """
    keep_freed_memory()  # the arrays of a piece would else be mapped and unmapped for each piece
    shutil.rmtree(out, ignore_errors=True)
    for split in _SPLITS:
        with StoreWriter(out / split, degradation.dtype) as writer:
            if split == "train" and not train:
                continue
            clean = Store(photographs / split)
            progress = Progress(f"degrading the {split} photographs", "images", len(clean))
            with closing(_pieces(clean, degradation, level, seed)) as pieces:
                for done, (name, pixels) in enumerate(zip(clean.names, clean, strict=True), 1):
                    writer.append_pieces(name, pixels.shape, islice(pieces, degradation.count(pixels.size)))
                    progress(done)


def _pieces(clean: Store, degradation: Degradation, level: float, seed: int) -> Generator[NDArray, None, None]:
    """The pieces of all degraded photographs, one after the other."""

    def load(i: int) -> list[Piece]:
        return list(degradation.pieces(clean.read(i), level, seed))

    def values(i: int) -> int:
        return clean[i].size

    loaded = prefetch(load, range(len(clean)), cost=values, budget=_IN_FLIGHT)
    pieces = ((piece, values(i) // len(found)) for i, found in enumerate(loaded) for piece in found)
    return prefetch(lambda item: item[0](), pieces, cost=lambda item: item[1], budget=_IN_FLIGHT)
