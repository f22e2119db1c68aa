"""Degraded sets: all photographs degraded at one level, packed."""

import shutil
from collections.abc import Generator
from contextlib import closing
from itertools import islice
from pathlib import Path

from numpy.typing import NDArray

from ftn_core.data.store import Store, StoreWriter
from ftn_core.degradations.degradation import Degradation
from ftn_core.degradations.step import Chunk
from ftn_core.utils.memory import keep_freed_memory
from ftn_core.utils.prefetch import prefetch
from ftn_core.utils.progress import Progress

_SPLITS = ("train", "val", "test")
_IN_FLIGHT = 2**24
"""Degraded values for each core that may wait for the writer; as many clean values may wait to be degraded."""


def write_degraded_set(
    photographs: Path, out: Path, degradation: Degradation, level: float, *, seed: int, train: bool
) -> None:
    """Write ``out/{train,val,test}``: the packed photographs degraded at one level. All cores compute.

    Memory does not grow with the number of photographs. Noise alone is computed in chunks, so about two uint8
    photographs are in memory at a time; any other degradation needs a few photographs for each core.

    Args:
        photographs: folder of the packed clean splits.
        out: replaced if it exists.
        train: whether to write the training split. It stays empty otherwise, because a training that draws fresh noise
            for every batch reads no degraded images.
    """
    keep_freed_memory()  # otherwise the C library maps and unmaps memory for each chunk
    shutil.rmtree(out, ignore_errors=True)
    for split in _SPLITS:
        with StoreWriter(out / split, degradation.dtype) as writer:
            if split == "train" and not train:
                continue
            clean = Store(photographs / split)
            progress = Progress(f"degrading the {split} photographs", "images", len(clean))
            with closing(_chunks(clean, degradation, level, seed)) as chunks:
                for done, (name, pixels) in enumerate(zip(clean.names, clean, strict=True), 1):
                    writer.append_chunks(name, pixels.shape, islice(chunks, degradation.chunk_count(pixels.size)))
                    progress(done)


def _chunks(clean: Store, degradation: Degradation, level: float, seed: int) -> Generator[NDArray, None, None]:
    """The chunks of all degraded photographs, in order."""

    def load(i: int) -> list[Chunk]:
        return list(degradation.chunks(clean.read(i), level, seed))

    def values(i: int) -> int:
        return clean[i].size

    loaded = prefetch(load, range(len(clean)), cost=values, budget=_IN_FLIGHT)
    chunks = ((chunk, values(i) // len(found)) for i, found in enumerate(loaded) for chunk in found)
    return prefetch(lambda item: item[0](), chunks, cost=lambda item: item[1], budget=_IN_FLIGHT)
