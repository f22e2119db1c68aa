"""Training batches, made on the device: random crops of packed photographs, flipped, turned and degraded."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, distributed

from ftn_core.data.store import PIXELS, Store
from ftn_core.errors import UserError

AHEAD = 4
"""Steps whose crops are read ahead where photographs do not fit the device's memory."""


class Crops(NamedTuple):
    """One step's crops, ``N x crop x crop x 3`` as stored, and the generator that they were drawn with."""

    clean: Tensor
    degraded: Tensor | None
    generator: torch.Generator


def memory(device: torch.device) -> int:
    """Bytes: what a GPU has free, or the fullest of those that train together; what a CPU has."""
    if device.type == "cuda":
        free = torch.tensor(torch.cuda.mem_get_info(device)[0], device=device)
        # crops are drawn where photographs lie, and a GPU draws others than a CPU: all must choose alike
        if distributed.is_initialized():
            distributed.all_reduce(free, distributed.ReduceOp.MIN)
        return int(free)
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


class Batches:
    """``batches(step)`` is that step's ``(degraded, clean)``, each ``N x 3 x crop x crop`` in [0, 1].

    Of a range of sigmas it is ``(degraded, sigma, clean)``, with ``sigma`` of ``N x 1 x 1 x 1``: drawn evenly for each
    image, or with ``one_sigma`` for each batch.

    A batch is a function of the seed and the step alone, so a resumed training needs no generator's state. Batches are
    in channels_last layout. Photographs that fill at most half of the device's memory live there (a CPU reads them
    where they are mapped); of more, crops are read a few steps ahead in the background.

    Several processes that train together each take their share of the same batch: all draw all of it, which costs
    little, and each reads and returns its own images.

    Args:
        clean: packed photographs, uint8.
        degraded: the same photographs, degraded, or None for noise drawn anew in every batch.
        sigma: standard deviation of fresh noise; or its lowest and highest, where noise is always fresh.
        clip: whether fresh noise is clipped to [0, 1].
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
        degraded: Store | None,
        *,
        sigma: float | tuple[float, float],
        one_sigma: bool = False,
        clip: bool,
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
        self._sigma, self._one_sigma, self._clip, self._permute = sigma, one_sigma, clip, permute_channels
        self._size, self._crop, self._seed, self._device = batch_size, crop, seed, device
        rank, count = share
        self._mine = slice(rank * batch_size // count, (rank + 1) * batch_size // count)
        size = clean.pixels.nbytes + (0 if degraded is None else degraded.pixels.nbytes)
        self._background = None if size <= memory(device) / 2 else ThreadPoolExecutor(1)
        self._ahead: dict[int, Future[Crops]] = {}
        self._home = device if self._background is None else torch.device("cpu")
        self._clean = _mapped(clean).to(self._home)
        self._degraded = None if degraded is None else _mapped(degraded).to(self._home)
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
        generator = crops.generator if self._home == self._device else self._generator(step, self._device)
        shape = (self._size, self._crop, self._crop, 3)
        noise = torch.randn(shape, generator=generator, device=self._device)[self._mine].permute(0, 3, 1, 2)
        if not isinstance(self._sigma, tuple):
            return self._clipped(clean + self._sigma * noise), clean
        low, high = self._sigma
        sigma = torch.rand(1 if self._one_sigma else self._size, 1, 1, 1, generator=generator, device=self._device)
        sigma = (low + (high - low) * sigma).expand(self._size, 1, 1, 1)[self._mine]
        return self._clipped(clean + sigma * noise), sigma, clean

    def _images(self, crops: Tensor) -> Tensor:
        """``N x 3 x crop x crop`` in [0, 1]."""
        images = crops.to(self._device, non_blocking=True).permute(0, 3, 1, 2).float()
        return images / 255 if crops.dtype == torch.uint8 else images

    def _clipped(self, degraded: Tensor) -> Tensor:
        return degraded.clamp(0, 1) if self._clip else degraded

    def _generator(self, step: int, device: torch.device) -> torch.Generator:
        seed = np.random.SeedSequence((self._seed, step)).generate_state(1, np.uint64)[0]
        return torch.Generator(device).manual_seed(int(seed) >> 1)

    def _crops(self, step: int) -> Crops:
        generator = self._generator(step, self._home)
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
        """Where the share's values lie in the store, ``N x crop x crop x 3``: one gather cuts, turns and shuffles.

        A crop is read along two axes, each a stride with a sign: the eight flips and quarter turns are the ways to
        choose which axis comes first and which of them runs backwards.
        """
        n, crop, device = self._size, self._crop, self._home
        position = torch.randint(self._positions, (n,), generator=generator, device=device)[self._mine]
        down, right, swap = torch.randint(2, (3, n), generator=generator, device=device)[:, self._mine].bool()
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
            order = torch.rand((n, 3), generator=generator, device=device)[self._mine].argsort(1)
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
