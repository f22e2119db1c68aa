"""Gaussian noise that is the same, byte for byte, on every machine.

Libraries compute normal deviates with the platform's `log` and `cos`, or with vectorised variants of them. Their last
bits differ between machines. Here the random part is integers from Philox, a stream that NumPy guarantees to be stable.
The only transcendental function fills a table of 65,536 values, which are then rounded far more coarsely than any
library errs.
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ftn_core.degradations.step import Chunk, Pixels, Step
from ftn_core.parameters.quantities import SIGMA

CHUNK = 2**18
"""Values that are computed at once: few enough for a core's caches, many enough to hide Python's overhead."""


@dataclass(frozen=True)
class Noise(Step):
    """White Gaussian noise with standard deviation sigma for images in [0, 1].

    The noise depends on the seed, the photograph's pixels and sigma, not on the photograph's name or position. Rounding
    to float16 adds an error of about 77 dB PSNR.

    Args:
        clip: whether the noisy image is clipped to [0, 1].
    """

    clip: bool

    quantity = SIGMA
    words = "white Gaussian noise"
    limits = "white Gaussian noise, independent in each pixel and channel: real cameras' noise is something else"
    dtype = "float16"

    def chunks(self, pixels: Pixels, level: float, seed: int) -> Iterator[Chunk]:
        sigma, flat = self.strength(level), pixels.reshape(-1)
        content = hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()
        key = seed, pixels.shape, content, float(sigma)
        for start in range(0, flat.size, CHUNK):
            yield partial(_noisy_chunk, flat, start, min(start + CHUNK, flat.size), key, sigma, self.clip)

    def chunk_count(self, size: int) -> int:
        return math.ceil(size / CHUNK)


@cache
def _quantiles() -> NDArray[np.float32]:
    """65,536 equally probable standard normal values with unit variance, all multiples of 2^-16."""
    inverse = NormalDist().inv_cdf
    half = [inverse((i + 0.5) / 65536) for i in range(32768, 65536)]
    scale = 65536 / math.sqrt(math.fsum(z * z for z in half) / len(half))
    upper = np.array([round(z * scale) for z in half], np.float32) / 65536
    return np.concatenate([-upper[::-1], upper])


def standard_normal(size: int, *key: object, start: int = 0, stop: int | None = None) -> NDArray[np.float32]:
    """``size`` standard normal values that depend on ``key`` alone, or only those from ``start`` to ``stop``.

    Each is the sum of two table values divided by the root of two. The sum extends the tails to 6 standard deviations.
    """
    count = (size if stop is None else stop) - start
    digest = hashlib.sha256(repr(key).encode()).digest()
    stream = int.from_bytes(digest[:16], "little")
    table = _quantiles()
    # fancy indexing releases the GIL, `take` does not; the sum is exact, because both are multiples of 2^-16
    values = table[_words(stream, start, count)]
    values += table[_words(stream, size + start, count)]
    values *= np.float32(math.sqrt(0.5))
    return values


def add_noise(pixels: Pixels, sigma: float, seed: int, clip: bool) -> NDArray[np.float16]:
    """The noisy version of one photograph, ``3 x H x W``; sigma is on the scale [0, 1]."""
    return Noise(sigma, clip)(pixels, sigma, seed)


def _words(stream: int, start: int, count: int) -> NDArray[np.uint16]:
    """``count`` 16-bit words of a random stream, from word ``start``."""
    bits = np.random.Philox(key=stream)
    blocks, skipped = divmod(start, 16)
    bits.advance(blocks)  # a block has 256 bits
    words = bits.random_raw((skipped + count + 3) // 4).astype("<u8", copy=False).view("<u2")
    return words[skipped : skipped + count]


def _noisy_chunk(
    flat: NDArray[np.uint8], start: int, stop: int, key: tuple[object, ...], sigma: float, clip: bool
) -> NDArray[np.float16]:
    values = standard_normal(flat.size, *key, start=start, stop=stop)
    values *= np.float32(sigma)
    values += np.divide(flat[start:stop], np.float32(255), dtype=np.float32)
    return (values.clip(0, 1, out=values) if clip else values).astype(np.float16)
