"""Training batches, made on the device: random crops of packed photographs, flipped, rotated and degraded."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ftn_core.data.store import PIXELS, Store
from ftn_core.utils.errors import UserError

AHEAD = 4
"""Steps whose crops are read ahead where photographs do not fit the device's memory."""


@dataclass(frozen=True)
class FreshNoise:
    """Noise of one sigma, for images in [0, 1], drawn anew in every batch; ``clip``: the sum is clipped to [0, 1]."""

    sigma: float
    clip: bool


@dataclass(frozen=True)
class FreshNoiseRange:
    """Noise whose sigma is drawn, uniformly from ``low`` to ``high``, for each image or once for each batch."""

    low: float
    high: float
    clip: bool
    per_image: bool


class Crops(NamedTuple):
    """One step's crops, ``N x crop x crop x 3`` as stored, and the CPU generator that they were drawn with."""

    clean: Tensor
    degraded: Tensor | None
    generator: torch.Generator


def memory(device: torch.device) -> int:
    """Bytes: what a GPU has free, what a CPU has in all."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


class Batches:
    """``batches(step)`` is that step's ``(degraded, clean)``, each ``N x 3 x crop x crop`` in [0, 1].

    With a range of sigmas it is ``(degraded, sigma, clean)``, with ``sigma`` of ``N x 1 x 1 x 1``.

    A batch is a function of the seed and the step alone, so a resumed training needs no generator's state. Crops are
    drawn by a generator on the CPU, so that they are the same on every device and however much memory it has. Batches
    are in channels_last layout. Photographs that fill at most half of the device's memory are kept there (a CPU reads
    them where they are mapped); of more, crops are read a few steps ahead in the background.

    Several processes that train together each take their share of the same batch: all draw all of it, which costs
    little, and each reads and returns its own images.

    Args:
        clean: packed photographs, uint8.
        degraded: the same photographs, degraded; or the noise to add to them.
        permute_channels: whether each crop's colour channels are shuffled. Colours then cannot be learned by heart,
            which matters with few photographs.
        batch_size: images of the whole batch.
        share: which process this is, from 0, and of how many; their number divides ``batch_size``.

    Raises:
        UserError: a photograph is smaller than the crop.
    """

    def __init__(
        self,
        clean: Store,
        degraded: Store | FreshNoise | FreshNoiseRange,
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
        stored = degraded if isinstance(degraded, Store) else None
        self._noise = None if isinstance(degraded, Store) else degraded
        self._permute, self._size, self._crop = permute_channels, batch_size, crop
        self._seed, self._device = seed, device
        rank, count = share
        self._mine = slice(rank * batch_size // count, (rank + 1) * batch_size // count)
        size = clean.pixels.nbytes + (0 if stored is None else stored.pixels.nbytes)
        self._background = None if size <= memory(device) / 2 else ThreadPoolExecutor(1)
        self._ahead: dict[int, Future[Crops]] = {}
        self._home = device if self._background is None else torch.device("cpu")
        self._clean = _mapped(clean).to(self._home)
        self._degraded = None if stored is None else _mapped(stored).to(self._home)
        self._offsets = torch.from_numpy(clean.offsets).to(self._home)
        self._heights, self._widths = torch.from_numpy(shapes).to(self._home).unbind(1)
        # every crop position of every photograph is equally likely
        ends = np.cumsum((shapes - crop + 1).prod(axis=1))
        self._positions = int(ends[-1])
        self._ends = torch.from_numpy(ends).to(self._home)

    def __call__(self, step: int) -> tuple[Tensor, ...]:
        crops = self._crops(step) if self._background is None else self._take(step, self._background)
        clean = self._images(crops.clean)
        if crops.degraded is not None:
            return self._images(crops.degraded), clean
        noise = self._noise
        assert noise is not None
        # a GPU draws its own noise: there is too much of it to send it there
        generator = crops.generator if self._device.type == "cpu" else self._generator(step, self._device)
        shape = (self._size, self._crop, self._crop, 3)
        drawn = torch.randn(shape, generator=generator, device=self._device)[self._mine].permute(0, 3, 1, 2)
        if isinstance(noise, FreshNoise):
            return self._clipped(clean + noise.sigma * drawn, noise.clip), clean
        count = self._size if noise.per_image else 1
        sigma = torch.rand(count, 1, 1, 1, generator=generator, device=self._device)
        sigma = (noise.low + (noise.high - noise.low) * sigma).expand(self._size, 1, 1, 1)[self._mine]
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
        clean, degraded = self._clean[where], None if self._degraded is None else self._degraded[where]
        if self._home != self._device:  # what is copied in the background must not be paged out
            clean, degraded = clean.pin_memory(), None if degraded is None else degraded.pin_memory()
        return Crops(clean, degraded, generator)

    def _take(self, step: int, background: ThreadPoolExecutor) -> Crops:
        """This step's crops, read since an earlier call unless steps were skipped; the next ones are begun."""
        ahead = range(step, step + AHEAD + 1)
        self._ahead = {i: self._ahead.get(i) or background.submit(self._crops, i) for i in ahead}
        return self._ahead.pop(step).result()

    def _draw(self, generator: torch.Generator) -> Tensor:
        """Where the share's values lie in the store, ``N x crop x crop x 3``: one gather cuts, rotates and shuffles.

        A crop is read along two axes, each a stride with a sign: the eight flips and quarter turns are the ways to
        choose which axis comes first and which of them runs backwards.
        """
        n, crop, device = self._size, self._crop, self._home
        position = torch.randint(self._positions, (n,), generator=generator)[self._mine].to(device)
        flips = torch.randint(2, (3, n), generator=generator)[:, self._mine].to(device)
        down, right, swap = flips.bool()
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
            order = torch.rand((n, 3), generator=generator)[self._mine].argsort(1).to(device)
        along = torch.arange(crop, device=device)
        return (
            start[:, None, None, None]
            + (along * first[:, None])[:, :, None, None]
            + (along * second[:, None])[:, None, :, None]
            + (order * plane[:, None])[:, None, None, :]
        )


def _mapped(store: Store) -> Tensor:
    """All values of a store as one flat tensor, mapped from its file and not read before it is used."""
    dtype = torch.from_numpy(np.empty(0, store.pixels.dtype)).dtype
    return torch.from_file(str(store.folder / PIXELS), size=store.pixels.size, dtype=dtype)
