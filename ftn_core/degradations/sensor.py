"""Camera noise: shot and read noise of a sensor behind a Bayer mosaic, as it looks in the finished photograph.

The camera is that of Brooks et al., "Unprocessing Images for Learned Raw Denoising" (arXiv 1811.11127), with the noise
of Foi et al., "Practical Poissonian-Gaussian noise modeling and fitting for single-image raw-data" (2008), and the
filters of Malvar, He and Cutler, "High-quality linear interpolation for demosaicing of Bayer-patterned color images"
(2004).

All that comes after the sensor is integers or tables, so the bytes are the same on every machine (noise.py).
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate

from ftn_core.degradations.noise import standard_normal
from ftn_core.degradations.step import Chunk, Pixels, Step
from ftn_core.parameters.quantities import GRAIN

Counts = NDArray[np.int32]

LIGHT = 2**16
"""White in linear light, as a whole number."""
_SENSOR = 2**14
"""White on the sensor, whose values have 14 bits as those of many cameras have."""
MID_GREY = 0.21404
"""The linear light of the value 0.5."""
_SLOPE = 1.6206
"""How fast the photograph's value rises with linear light there."""

# rows have the sums 64 and 16, so grey stays grey
_TO_CAMERA = np.array([[41, 17, 6], [5, 49, 10], [1, 14, 49]], np.int32)
"""From linear sRGB to the sensor's colours, times 64: the mean of the four cameras in Brooks et al."""
_FROM_CAMERA = np.array([[26, -9, -1], [-3, 24, -5], [0, -7, 23]], np.int32)
"""Its inverse, times 16."""

# Malvar, He and Cutler's filters, times 16
_CROSS = np.array([[0, 0, -2, 0, 0], [0, 0, 4, 0, 0], [-2, 4, 8, 4, -2], [0, 0, 4, 0, 0], [0, 0, -2, 0, 0]])
"""Green at a red or blue site."""
_ACROSS = np.array([[0, 0, 1, 0, 0], [0, -2, 0, -2, 0], [-2, 8, 10, 8, -2], [0, -2, 0, -2, 0], [0, 0, 1, 0, 0]])
"""Red or blue at a green site, from neighbours at its left and right."""
_DIAGONAL = np.array([[0, 0, -3, 0, 0], [0, 4, 0, 4, 0], [-3, 0, 12, 0, -3], [0, 4, 0, 4, 0], [0, 0, -3, 0, 0]])
"""Red at a blue site, and blue at a red one."""


@dataclass(frozen=True)
class Sensor(Step):
    """Noise of variance ``shot * light + read^2`` at each site of a Bayer sensor, demosaicked; clipped to [0, 1].

    The level is the standard deviation of that noise, before it is demosaicked, on a patch of the value 0.5, for
    photographs from 0 to 1. The read noise is that of one electron, ``read = shot``; in Brooks et al. the two differ by
    at most a quarter, up to their strongest noise, a level of 22/255.

    A photograph's values become linear light (inverse smoothstep, inverse gamma of sRGB) and the sensor's colours. The
    noise is drawn there, demosaicked and brought back by the colour matrix; then the light is a photograph again.
    Demosaicking is linear, and the photograph was demosaicked once. So the noise alone goes through it: detail stays,
    and at level 0 every pixel does.

    The noise depends on the seed, the photograph's pixels and the level, not on the photograph's name or position.
    """

    quantity = GRAIN
    words = "camera noise"
    limits = (
        "shot and read noise of one Bayer camera with a linear demosaicking: a camera that denoises or sharpens, a "
        "phone's many exposures and other tone curves differ"
    )

    def chunks(self, pixels: Pixels, level: float, seed: int) -> Iterator[Chunk]:
        yield lambda: _photographed(pixels, self.strength(level), seed)

    def chunk_count(self, size: int) -> int:
        return 1


def shot_noise(level: float) -> float:
    """The variance per unit of light, which is also the read noise's standard deviation; light is from 0 to 1."""
    variance = (level / _SLOPE) ** 2
    return 2 * variance / (MID_GREY + math.sqrt(MID_GREY**2 + 4 * variance))


def to_light(pixels: Pixels) -> Counts:
    """Linear light from 0 to ``LIGHT``; of the same shape."""
    return _lights()[pixels]


def raw_noise(light: Counts, level: float, *key: object) -> Counts:
    """The noise of each site, ``H x W`` for light of ``3 x H x W``, in units of the sensor; it depends on ``key``.

    Red sites are in even rows and columns, blue ones in odd rows and columns, green ones elsewhere.
    """
    red, green, blue = np.einsum("ij,jhw->ihw", _TO_CAMERA, light)  # whole numbers: any order of sums gives the same
    green[::2, ::2], green[1::2, 1::2] = red[::2, ::2], blue[1::2, 1::2]
    shot = np.float32(shot_noise(level))
    variance = green.astype(np.float32) * (shot / np.float32(64 * LIGHT)) + shot * shot
    noise = standard_normal(green.size, *key).reshape(green.shape) * np.sqrt(variance)
    return np.rint(noise * np.float32(_SENSOR)).astype(np.int32)


def demosaicked(raw: Counts) -> Counts:
    """All three colours of every site, ``3 x H x W`` in sixteenths, from ``H x W``; borders are reflected."""
    cross, across, down, diagonal = (
        correlate(raw, kernel, mode="mirror") for kernel in (_CROSS, _ACROSS, _ACROSS.T, _DIAGONAL)
    )
    red, green, blue = colours = np.tile(16 * raw, (3, 1, 1))
    red[::2, 1::2], red[1::2, ::2], red[1::2, 1::2] = across[::2, 1::2], down[1::2, ::2], diagonal[1::2, 1::2]
    blue[1::2, ::2], blue[::2, 1::2], blue[::2, ::2] = across[1::2, ::2], down[::2, 1::2], diagonal[::2, ::2]
    green[::2, ::2], green[1::2, 1::2] = cross[::2, ::2], cross[1::2, 1::2]
    return colours


def _photographed(pixels: Pixels, level: float, seed: int) -> Pixels:
    light = to_light(pixels)
    content = hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()
    noise = demosaicked(raw_noise(light, level, "sensor", seed, pixels.shape, content, float(level)))
    noise = np.einsum("ij,jhw->ihw", _FROM_CAMERA, noise)
    unit = 16 * 16 * _SENSOR // LIGHT
    return _values()[(light + (noise + unit // 2) // unit).clip(0, LIGHT)]


@cache
def _lights() -> Counts:
    """Linear light of each of the 256 values."""
    value = 0.5 - np.sin(np.arcsin(1 - 2 * np.arange(256) / 255) / 3)
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return np.rint(light * LIGHT).astype(np.int32)


@cache
def _values() -> NDArray[np.uint8]:
    """The value of each linear light from 0 to ``LIGHT``."""
    light = np.arange(LIGHT + 1) / LIGHT
    value = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(255 * (3 * value**2 - 2 * value**3)).astype(np.uint8)
