"""A split's clean and degraded images in batches of equal size."""

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
"""Pixels in a batch. More overflow a CPU's caches and slow the network down (benchmarks/evaluation.py)."""
KEPT_BYTES = 2**30
"""Bytes of converted images that are cached."""


@dataclass(frozen=True)
class PairBatch:
    """Images of one size, ``N x 3 x H x W`` of float32, and their indices in the split."""

    places: list[int]
    degraded: Tensor
    clean: Tensor


class Pairs:
    """The photographs of a split and their degraded versions at several levels, for repeated passes.

    The images in a batch have one height and width. A batch has at most ``pixels`` pixels, or a single image. Converted
    images are cached for the next pass until ``keep`` bytes are used. Each pass reads the others again, so memory does
    not grow with the split.

    Args:
        degraded: for each level the degraded versions, in the order of ``clean``.
        device: of the batches.
        pixels: in a batch; None: the fastest number for the device.
        keep: bytes of converted images that are cached.
        limit: use at most so many images, evenly spaced; None: all.

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
        self._free_bytes = keep
        pixels = pixels or (CPU_PIXELS if device.type == "cpu" else GPU_PIXELS)
        sizes: dict[tuple[int, ...], list[int]] = {}
        for i in evenly_spaced(len(clean), limit):
            sizes.setdefault(clean[i].shape[1:], []).append(i)
        self._groups: list[list[int]] = []
        for size, places in sizes.items():
            count = max(1, pixels // math.prod(size))
            self._groups += [places[i : i + count] for i in range(0, len(places), count)]

    def batches(self, level: float) -> Iterator[PairBatch]:
        """All pairs of one level, size by size."""
        for number, places in enumerate(self._groups):
            yield PairBatch(places, self._images(level, number), self._images(None, number))

    def _images(self, level: float | None, number: int) -> Tensor:
        """A batch's degraded images; the clean ones if ``level`` is None."""
        if (level, number) in self._kept:
            return self._kept[level, number]
        store = self._clean if level is None else self._degraded[level]
        images = torch.cat([to_image(store[i], self._device) for i in self._groups[number]])
        if images.nbytes <= self._free_bytes:
            self._free_bytes -= images.nbytes
            self._kept[level, number] = images
        return images
