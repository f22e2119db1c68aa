"""Noisy crops of photographs, and how well each level of a dial restores them: what the estimate is trained on."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import nn

from ftn_core.degradations.jpeg import Jpeg
from ftn_core.degradations.noise import add_noise
from ftn_core.degradations.sensor import Sensor
from ftn_core.degradations.step import eight_bits
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.noise_level.drawings import drawn
from ftn_core.noise_level.features import features
from ftn_core.runtime.images import restore, to_image
from ftn_core.runtime.psnr import psnr

CROP = 128
LEVELS = np.array([0.0, *(0.8 * 1.35 ** np.arange(15)), 75.0])
"""Places of the dial at which an example is restored, sigma of 255."""
KINDS = ("white", "camera", "smooth", "clean")
SHARES = (0.3, 0.45, 0.1, 0.15)
GREY = 0.08
"""Share of the examples that are grey."""
SOFTEST = 3.0
"""By how much photographs are enlarged at most: what leaves a camera at full size has no detail of single pixels."""
DRAWINGS = 0.15
"""Share of the examples that are drawings, not photographs."""


HIGHEST = 60.0
"""PSNR in dB from which a picture counts as clean."""


@dataclass(frozen=True)
class Example:
    """One noisy crop: its kind, its features, and its PSNR in dB at each of ``LEVELS``."""

    kind: str
    features: NDArray
    curve: NDArray


class Examples:
    """Draws examples.

    Args:
        photographs: clean, ``H x W x 3`` of uint8.
        denoiser: whose dial is to be set, from 0 to 75/255.
    """

    def __init__(self, photographs: list[NDArray], denoiser: ContinuousDenoiser, seed: int) -> None:
        self._photographs, self._denoiser = photographs, denoiser
        self._random = np.random.default_rng(seed)
        self._network: nn.Module | None = None

    def draw(self) -> Example:
        """One more example."""
        kind = str(self._random.choice(KINDS, p=SHARES))
        clean = self._clean(SOFTEST if kind == "camera" else 1.8)
        noisy = self._noisy(clean, kind)
        if self._random.random() < GREY:
            clean, noisy = (np.repeat(x.mean(axis=0, keepdims=True), 3, axis=0).astype(x.dtype) for x in (clean, noisy))
        before, after = to_image(noisy), to_image(clean)
        return Example(kind, features(before[0].permute(1, 2, 0).numpy()), self._curve(before, after))

    def _clean(self, largest: float) -> NDArray:
        """A drawing or a crop of a photograph, ``3 x CROP x CROP``; enlarged or reduced, because some are sharper."""
        if self._random.random() < DRAWINGS:
            return drawn(self._random, CROP).transpose(2, 0, 1)
        image = Image.fromarray(self._photographs[self._random.integers(len(self._photographs))])
        scale = max(self._log_uniform(0.6, largest), (CROP + 1) / min(image.size))
        image = image.resize([round(side * scale) for side in image.size], Image.Resampling.BICUBIC)
        left, top = (int(self._random.integers(side - CROP)) for side in image.size)
        return np.array(image.crop((left, top, left + CROP, top + CROP))).transpose(2, 0, 1)

    def _noisy(self, clean: NDArray, kind: str) -> NDArray:
        """The crop with noise, of uint8 as files have it, or of floats."""
        random, seed = self._random, int(self._random.integers(2**31))
        noisy: NDArray = clean
        if kind == "white":
            noisy = add_noise(clean, self._log_uniform(0.7, 80) / 255, seed=seed, clip=False)
            return noisy if random.random() < 0.3 else eight_bits(noisy)
        if kind == "camera":
            noisy = self._processed(clean, Sensor(None)(clean, self._log_uniform(1, 30) / 255, seed))
        if kind == "smooth":
            blurred = gaussian_filter(random.standard_normal(clean.shape), (0, *2 * [random.uniform(0.3, 1.2)]))
            noisy = eight_bits(clean / 255 + self._log_uniform(0.7, 40) / 255 * blurred / blurred.std())
        if random.random() < 0.7:
            noisy = Jpeg(None)(noisy, int(random.integers(60, 100)), seed)
        return noisy

    def _processed(self, clean: NDArray, noisy: NDArray) -> NDArray:
        """As cameras do, with less noise of colours than of brightness."""
        noise = noisy.astype(np.float64) - clean
        grey = noise.mean(axis=0, keepdims=True)
        colours = gaussian_filter(noise - grey, (0, 0.7, 0.7))
        return eight_bits((clean + grey + self._random.uniform(0.3, 1.2) * colours) / 255)

    def _log_uniform(self, low: float, high: float) -> float:
        return float(np.exp(self._random.uniform(np.log(low), np.log(high))))

    def _curve(self, noisy: torch.Tensor, clean: torch.Tensor) -> NDArray:
        """PSNR at each level; far from the best, where nothing is measured, a line of at least 4 dB per unit of log."""
        error = 255 * float((noisy - clean).square().mean().sqrt())
        curve, places = [min(psnr(noisy.clamp(0, 1), clean), HIGHEST)], [0.0]
        for level in LEVELS[1:]:
            if not 0.5 * error <= level <= max(4 * error, 2):
                continue
            self._network = self._denoiser.fold(self._denoiser.position(level / 255), self._network)
            with torch.autocast("cpu", torch.bfloat16, enabled=error > 3):  # a rounding is small beside such noise
                restored = restore(self._network, noisy).float()
            curve.append(min(psnr(restored, clean), HIGHEST))
            places.append(level)
            if curve[-1] < max(curve) - 3:
                break
        at, known = np.log1p(LEVELS), np.log1p(places)
        filled = np.interp(at, known, curve)
        slope = min((curve[-1] - curve[-2]) / (known[-1] - known[-2]), -4) if len(curve) > 1 else -4
        return np.where(at > known[-1], curve[-1] + slope * (at - known[-1]), filled)
