"""A split's clean and degraded images as batches of one size."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ftn_core.data.store import Store
from ftn_core.data.subset import evenly_spaced
from ftn_core.runtime.images import to_image
from ftn_core.utils.errors import UserError

CPU_PIXELS, GPU_PIXELS = 2**17, 2**20
"""In a batch. Beyond that a CPU's caches overflow and the network slows down again (benchmarks/evaluation.py)."""
KEPT_BYTES = 2**30


@dataclass(frozen=True)
class PairBatch:
    """Images of one size, ``N x 3 x H x W`` of float32, and which of the split they are."""

    places: list[int]
    degraded: Tensor
    clean: Tensor


class Pairs:
    """The photographs of a split beside their degraded versions of several levels, for passes again and again.

    Batches hold images of one height and width, at most as many as are good for the device, or a single one.
    Converted images are kept for the next pass until ``keep`` bytes are used; the rest is read again at each pass, so
    memory does not grow with the split.

    Args:
        degraded: for each level the degraded versions, in the order of ``clean``.
        device: where the batches are.
        pixels: in a batch; None: what is good for the device.
        keep: bytes of converted images.
        limit: images at most, evenly chosen; None: all.

    Raises:
        UserError: a degraded set was not made from these photographs.
    """

    def __init__(
        self,
        clean: Store,
        degraded: Mapping[float, Store],
        device: torch.device,
        *,
        pixels: int | None = None,
        keep: int = KEPT_BYTES,
        limit: int | None = None,
    ) -> None:
        for store in degraded.values():
            if store.names != clean.names:
                raise UserError(f"{store.folder} was not made from {clean.folder}: run `dvc repro` to make it again")
        self._clean, self._degraded, self._device = clean, degraded, device
        self._kept: dict[tuple[float | None, int], Tensor] = {}
        self._room = keep
        pixels = pixels or (CPU_PIXELS if device.type == "cpu" else GPU_PIXELS)
        sizes: dict[tuple[int, ...], list[int]] = {}
        for i in evenly_spaced(len(clean), limit):
            sizes.setdefault(clean[i].shape[1:], []).append(i)
        self._groups: list[list[int]] = []
        for size, places in sizes.items():
            count = max(1, pixels // math.prod(size))
            self._groups += [places[i : i + count] for i in range(0, len(places), count)]

    def batches(self, level: float) -> Iterator[PairBatch]:
        """Every pair of one level once, size by size."""
        for number, places in enumerate(self._groups):
            yield PairBatch(places, self._images(level, number), self._images(None, number))

    def _images(self, level: float | None, number: int) -> Tensor:
        """A batch's degraded images, or its clean ones without a level."""
        if (level, number) in self._kept:
            return self._kept[level, number]
        store = self._clean if level is None else self._degraded[level]
        images = torch.cat([to_image(store[i], self._device) for i in self._groups[number]])
        if images.nbytes <= self._room:
            self._room -= images.nbytes
            self._kept[level, number] = images
        return images
