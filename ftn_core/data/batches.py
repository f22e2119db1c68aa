"""Training batches: random crops of packed photographs, flipped, turned and made noisy on the device."""

import numpy as np
import torch
from torch import Tensor

from ftn_core.data.store import Store
from ftn_core.errors import UserError


class Batches:
    """``batches(step)`` is that step's ``(noisy, clean)``, each ``N x 3 x crop x crop`` in [0, 1].

    A batch is a function of the seed and the step alone, so a resumed training needs no generator's state.

    Args:
        clean: packed photographs, uint8.
        noisy: the same photographs with fixed noise, or None for noise drawn anew in every batch.
        sigma: standard deviation of fresh noise.
        clip: whether fresh noise is clipped to [0, 1].
        permute_channels: whether each crop's colour channels are shuffled. Colours then cannot be learned by heart,
            which matters with few photographs.

    Raises:
        UserError: a photograph is smaller than the crop.
    """

    def __init__(
        self,
        clean: Store,
        noisy: Store | None,
        *,
        sigma: float,
        clip: bool,
        batch_size: int,
        crop: int,
        permute_channels: bool,
        seed: int,
        device: torch.device,
    ) -> None:
        self._clean, self._noisy = clean, noisy
        self._sigma, self._clip, self._permute = sigma, clip, permute_channels
        self._size, self._crop, self._seed, self._device = batch_size, crop, seed, device
        self._shapes = np.array([image.shape[1:] for image in clean], np.int64)
        smallest = int(self._shapes.min(axis=1).argmin())
        if self._shapes[smallest].min() < crop:
            height, width = self._shapes[smallest]
            raise UserError(
                f"crop = {crop} is larger than the photograph {clean.names[smallest]} ({width}x{height}): "
                f"lower train.crop and finetune.crop to {min(height, width)}, or raise data.min_side"
            )
        # every crop position of every photograph is equally likely
        self._cumulative = np.cumsum((self._shapes - crop + 1).prod(axis=1))

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        random = np.random.Generator(np.random.Philox(key=self._seed, counter=step << 64))
        position = random.integers(self._cumulative[-1], size=self._size)
        image = np.searchsorted(self._cumulative, position, side="right")
        columns = self._shapes[image, 1] - self._crop + 1
        place = position - np.where(image > 0, self._cumulative[image - 1], 0)
        turns = random.integers(8, size=self._size)
        order = np.tile(np.arange(3), (self._size, 1))
        if self._permute:
            order = random.permuted(order, axis=1)

        def crops(store: Store) -> Tensor:
            cut = [
                _dihedral(store[i][:, y : y + self._crop, x : x + self._crop][channels], turn)
                for i, y, x, channels, turn in zip(image, place // columns, place % columns, order, turns, strict=True)
            ]
            return torch.from_numpy(np.stack(cut)).to(self._device, non_blocking=True).float()

        clean = crops(self._clean) / 255
        if self._noisy is not None:
            return crops(self._noisy), clean
        generator = torch.Generator(self._device).manual_seed(int(random.integers(2**63)))
        noise = torch.randn(clean.shape, generator=generator, device=self._device)
        noisy = clean + self._sigma * noise
        return (noisy.clamp(0, 1) if self._clip else noisy), clean


def _dihedral(pixels: np.ndarray, turn: int) -> np.ndarray:
    """One of the eight flips and quarter turns of a ``3 x n x n`` crop."""
    pixels = np.rot90(pixels, turn & 3, axes=(1, 2))
    return pixels[:, :, ::-1] if turn & 4 else pixels
