"""Training batches: random crops of packed photographs, flipped, rotated and degraded on the device."""

import os
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ftn_core.data.store import PIXELS, Store
from ftn_core.utils.errors import UserError

PREFETCHED_STEPS = 4
"""Steps whose crops are read in advance, if the photographs do not fit in the device's memory."""


@dataclass(frozen=True)
class FreshNoise:
    """Noise of one sigma on the scale [0, 1], drawn anew for every batch.

    ``clip``: whether the noisy images are clipped to [0, 1].
    """

    sigma: float
    clip: bool


@dataclass(frozen=True)
class FreshNoiseRange:
    """Noise whose sigma is drawn from ``low`` to ``high``, ``draws`` times for every batch.

    The density goes with ``sigma ** -power``: 0 is uniform. Each sigma is drawn from its own share of all draws, so
    that every batch has weak and strong noise. Image i has sigma number i modulo ``draws``, which divides the batch
    size.
    ``clip``: whether the noisy images are clipped to [0, 1].
    """

    low: float
    high: float
    clip: bool
    draws: int
    power: float = 0.0

    def quantile(self, share: Tensor) -> Tensor:
        """The sigmas below which these shares of all draws lie; shares are in [0, 1]."""
        rest = 1 - self.power
        low, high = self.low**rest, self.high**rest
        return (low + (high - low) * share) ** (1 / rest)


@dataclass(frozen=True)
class StoredLevels:
    """Photographs degraded at several levels, of which ``draws`` are drawn for every batch.

    Image i has level number i modulo ``draws``, which divides the batch size. No level comes twice before each has come
    once.
    """

    stores: Mapping[float, Store]
    draws: int


Degraded = Store | FreshNoise | FreshNoiseRange | StoredLevels
"""Where the degraded images of batches come from."""


class Crops(NamedTuple):
    """One step's crops, ``N x crop x crop x 3`` of the store's dtype, and the CPU generator that drew them.

    ``level``: of each degraded crop, ``N x 1 x 1 x 1``, if they are of several levels.
    """

    clean: Tensor
    degraded: Tensor | None
    level: Tensor | None
    generator: torch.Generator


def memory(device: torch.device) -> int:
    """Bytes of memory: what is free on a GPU, or all of the machine's for a CPU."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


class Batches:
    """``batches(step)`` gives the step's ``(degraded, clean)``, each ``N x 3 x crop x crop`` in [0, 1].

    With several levels it gives ``(degraded, level, clean)``, with ``level`` of ``N x 1 x 1 x 1``. Batches are in
    channels_last layout.

    A batch depends only on the seed and the step, so a resumed training needs no generator's state. A generator on the
    CPU draws the crops, so they are the same on every device and with any amount of memory.

    Photographs that fill at most half of the device's memory are kept there; a CPU reads them from the mapped file. If
    there are more, a background thread reads the crops of the next few steps.

    If several processes train together, each gets its share of the same batch. All processes draw the whole batch,
    which costs little, and each reads and returns only its own images.

    Args:
        clean: packed photographs, uint8.
        degraded: the same photographs, degraded at one level or several; or the noise to add to them.
        batch_size: images of the whole batch.
        crop: height and width of the crops, in pixels.
        permute_channels: whether each crop's colour channels are shuffled. The network then cannot memorise colours,
            which matters with few photographs.
        share: this process's rank and the number of processes, which divides ``batch_size``.

    Raises:
        UserError: a photograph is smaller than the crop.
    """

    def __init__(
        self,
        clean: Store,
        degraded: Degraded,
        *,
        batch_size: int,
        crop: int,
        permute_channels: bool,
        seed: int,
        device: torch.device,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        shapes = np.array([image.shape[1:] for image in clean], np.int64)
        smallest = int(shapes.min(axis=1).argmin())
        if shapes[smallest].min() < crop:
            height, width = shapes[smallest]
            raise UserError(
                f"crop = {crop} is larger than the photograph {clean.names[smallest]} ({width}x{height}): "
                f"lower train.crop and finetune.crop to {min(height, width)}, or raise data.min_side"
            )
        stored: list[Store] = []
        self._noise: FreshNoise | FreshNoiseRange | None = None
        self._levels: Tensor | None = None
        if isinstance(degraded, Store):
            stored = [degraded]
        elif isinstance(degraded, StoredLevels):
            stored, self._draws = list(degraded.stores.values()), degraded.draws
            self._levels = torch.tensor([float(level) for level in degraded.stores])
        else:
            self._noise = degraded
        self._permute, self._size, self._crop = permute_channels, batch_size, crop
        self._seed, self._device = seed, device
        rank, count = share
        self._share = slice(rank * batch_size // count, (rank + 1) * batch_size // count)
        size = clean.pixels.nbytes + sum(store.pixels.nbytes for store in stored)
        self._background = None if size <= memory(device) / 2 else ThreadPoolExecutor(1)
        self._prefetched: dict[int, Future[Crops]] = {}
        self._storage = device if self._background is None else torch.device("cpu")
        self._clean = _mapped(clean).to(self._storage)
        self._degraded = [_mapped(store).to(self._storage) for store in stored]
        self._offsets = torch.from_numpy(clean.offsets).to(self._storage)
        self._heights, self._widths = torch.from_numpy(shapes).to(self._storage).unbind(1)
        # every crop position of every photograph is equally likely
        ends = np.cumsum((shapes - crop + 1).prod(axis=1))
        self._positions = int(ends[-1])
        self._ends = torch.from_numpy(ends).to(self._storage)

    def __call__(self, step: int) -> tuple[Tensor, ...]:
        crops = self._crops(step) if self._background is None else self._take(step, self._background)
        clean = self._images(crops.clean)
        if crops.degraded is not None:
            degraded = self._images(crops.degraded)
            return (
                (degraded, clean)
                if crops.level is None
                else (degraded, crops.level.to(self._device, non_blocking=True), clean)
            )
        noise = self._noise
        assert noise is not None
        # a GPU draws its own noise, because a transfer would take too long
        generator = crops.generator if self._device.type == "cpu" else self._generator(step, self._device)
        shape = (self._size, self._crop, self._crop, 3)
        drawn = torch.randn(shape, generator=generator, device=self._device)[self._share].permute(0, 3, 1, 2)
        if isinstance(noise, FreshNoise):
            return self._clipped(clean + noise.sigma * drawn, noise.clip), clean
        share = torch.arange(noise.draws, device=self._device).view(-1, 1, 1, 1)
        share = (share + torch.rand(share.shape, generator=generator, device=self._device)) / noise.draws
        sigma = noise.quantile(share).repeat(self._size // noise.draws, 1, 1, 1)[self._share]
        return self._clipped(clean + sigma * drawn, noise.clip), sigma, clean

    def _images(self, crops: Tensor) -> Tensor:
        """``N x 3 x crop x crop`` in [0, 1]."""
        images = crops.to(self._device, non_blocking=True).permute(0, 3, 1, 2).float()
        return images / 255 if crops.dtype == torch.uint8 else images

    @staticmethod
    def _clipped(degraded: Tensor, clip: bool) -> Tensor:
        return degraded.clamp(0, 1) if clip else degraded

    def _generator(self, step: int, device: torch.device) -> torch.Generator:
        seed = np.random.SeedSequence((self._seed, step)).generate_state(1, np.uint64)[0]
        return torch.Generator(device).manual_seed(int(seed) >> 1)

    def _crops(self, step: int) -> Crops:
        generator = self._generator(step, torch.device("cpu"))
        where = self._draw(generator)
        clean, degraded, level = self._clean[where], None, None
        if self._levels is not None:
            order = torch.randperm(len(self._levels), generator=generator)
            drawn = order[torch.arange(self._draws) % len(order)].repeat(self._size // self._draws)[self._share]
            degraded = torch.stack([self._degraded[i][at] for i, at in zip(drawn.tolist(), where, strict=True)])
            level = self._levels[drawn].view(-1, 1, 1, 1)
            if self._device.type == "cuda":  # a copy from other memory would wait for the GPU's earlier work
                level = level.pin_memory()
        elif self._degraded:
            degraded = self._degraded[0][where]
        if self._storage != self._device:  # asynchronous copies to a GPU need pinned memory
            clean, degraded = clean.pin_memory(), None if degraded is None else degraded.pin_memory()
        return Crops(clean, degraded, level, generator)

    def _take(self, step: int, background: ThreadPoolExecutor) -> Crops:
        """This step's crops, which an earlier call has begun to read. Begins to read those of the next steps."""
        steps = range(step, step + PREFETCHED_STEPS + 1)
        self._prefetched = {i: self._prefetched.get(i) or background.submit(self._crops, i) for i in steps}
        return self._prefetched.pop(step).result()

    def _draw(self, generator: torch.Generator) -> Tensor:
        """Indices in the store of the share's values, ``N x crop x crop x 3``.

        One gather with these indices crops, flips, rotates and shuffles channels. A crop is read along two axes with
        signed strides. The order of the axes and their signs give the eight combinations of flips and rotations.
        """
        n, crop, device = self._size, self._crop, self._storage
        position = self._to_storage(torch.randint(self._positions, (n,), generator=generator)[self._share])
        down, right, swap = self._to_storage(torch.randint(2, (3, n), generator=generator)[:, self._share]).bool()
        image = torch.searchsorted(self._ends, position, right=True)
        width, plane = self._widths[image], self._heights[image] * self._widths[image]
        columns = width - crop + 1
        place = position - (self._ends - (self._heights - crop + 1) * (self._widths - crop + 1))[image]
        start = self._offsets[image] + (place // columns) * width + place % columns
        start = start + torch.where(down, (crop - 1) * width, 0) + torch.where(right, crop - 1, 0)
        rows, cols = torch.where(down, -width, width), torch.where(right, -1, 1)
        first, second = torch.where(swap, cols, rows), torch.where(swap, rows, cols)
        order = torch.arange(3, device=device).expand(len(position), 3)
        if self._permute:
            order = self._to_storage(torch.rand((n, 3), generator=generator)[self._share].argsort(1))
        along = torch.arange(crop, device=device)
        return (
            start[:, None, None, None]
            + (along * first[:, None])[:, :, None, None]
            + (along * second[:, None])[:, None, :, None]
            + (order * plane[:, None])[:, None, None, :]
        )

    def _to_storage(self, drawn: Tensor) -> Tensor:
        """What was drawn on the CPU, on the device that holds the photographs."""
        if self._storage.type == "cuda":  # a copy from other memory would wait for the GPU's earlier work
            drawn = drawn.pin_memory()
        return drawn.to(self._storage, non_blocking=True)


def _mapped(store: Store) -> Tensor:
    """All values of a store as one flat tensor, mapped from its file. Values are read when they are used."""
    dtype = torch.from_numpy(np.empty(0, store.pixels.dtype)).dtype
    return torch.from_file(str(store.folder / PIXELS), size=store.pixels.size, dtype=dtype)
