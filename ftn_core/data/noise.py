"""Noisy sets: Gaussian noise that is the same, byte for byte, on every machine.

Library generators of normal deviates go through the platform's `log` and `cos` or through vectorised variants of
them, so their last bits differ between machines. Here the random part is integers (Philox, which NumPy guarantees
to be stable), and the only transcendental function is evaluated 65,536 times for a table that is then rounded far
more coarsely than any library errs.
"""

import hashlib
import math
import operator
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import cache, partial
from itertools import islice
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ftn_core.data.ahead import ahead
from ftn_core.data.store import Store, StoreWriter
from ftn_core.memory import keep_freed_memory
from ftn_core.progress import Progress

SPLITS = ("train", "val", "test")
_PIECE = 2**18
"""Values that are worked out at once: few enough for a core's caches, so many that Python's part does not show."""
_IN_FLIGHT = 2**24
"""Values that wait for the writer, for each core; and as many that wait for their noise."""

Piece = Callable[[], NDArray[np.float16]]


@cache
def _quantiles() -> NDArray[np.float32]:
    """65,536 equally probable standard normal values, of unit variance, multiples of 2^-16."""
    inverse = NormalDist().inv_cdf
    half = [inverse((i + 0.5) / 65536) for i in range(32768, 65536)]
    scale = 65536 / math.sqrt(math.fsum(z * z for z in half) / len(half))
    upper = np.array([round(z * scale) for z in half], np.float32) / 65536
    return np.concatenate([-upper[::-1], upper])


def standard_normal(size: int, *key: object, start: int = 0, stop: int | None = None) -> NDArray[np.float32]:
    """``size`` standard normal values that depend on ``key`` alone, or those from ``start`` to ``stop`` of them.

    Each is the sum of two table values over the root of two, which fills the tails out to 6 standard deviations.
    """
    count = (size if stop is None else stop) - start
    digest = hashlib.sha256(repr(key).encode()).digest()
    stream = int.from_bytes(digest[:16], "little")
    table = _quantiles()
    # fancy indexing lets other threads run, `take` does not; the sum is exact: both are multiples of 2^-16
    values = table[_words(stream, start, count)]
    values += table[_words(stream, size + start, count)]
    values *= np.float32(math.sqrt(0.5))
    return values


def _words(stream: int, start: int, count: int) -> NDArray[np.uint16]:
    """A stretch of a random stream of 16-bit words."""
    bits = np.random.Philox(key=stream)
    blocks, skipped = divmod(start, 16)
    bits.advance(blocks)  # of 256 bits
    words = bits.random_raw((skipped + count + 3) // 4).astype("<u8", copy=False).view("<u2")
    return words[skipped : skipped + count]


def add_noise(pixels: NDArray[np.uint8], sigma: float, seed: int, clip: bool) -> NDArray[np.float16]:
    """The noisy version of one photograph, ``3 x H x W`` of uint8, in [0, 1] before the noise.

    The noise depends on the seed, the photograph's pixels and sigma; not on its name or its neighbours. Rounding to
    float16 adds an error of about 77 dB PSNR.
    """
    pieces = [piece() for piece in _pieces(pixels, _key(pixels, sigma, seed), sigma, clip)]
    return np.concatenate(pieces).reshape(pixels.shape)


def _key(pixels: NDArray[np.uint8], sigma: float, seed: int) -> tuple[object, ...]:
    content = hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()
    return seed, pixels.shape, content, float(sigma)


def _pieces(pixels: NDArray[np.uint8], key: tuple[object, ...], sigma: float, clip: bool) -> Iterator[Piece]:
    """The noisy photograph, flat, as calls that each work out ``_PIECE`` values of it, the last one fewer."""
    flat = pixels.reshape(-1)
    for start in range(0, flat.size, _PIECE):
        yield partial(_piece, flat, start, min(start + _PIECE, flat.size), key, sigma, clip)


def _piece(
    flat: NDArray[np.uint8], start: int, stop: int, key: tuple[object, ...], sigma: float, clip: bool
) -> NDArray[np.float16]:
    values = standard_normal(flat.size, *key, start=start, stop=stop)
    values *= np.float32(sigma)
    values += np.divide(flat[start:stop], np.float32(255), dtype=np.float32)
    return (values.clip(0, 1, out=values) if clip else values).astype(np.float16)


def write_noisy_set(photographs: Path, out: Path, *, sigma: float, seed: int, clip: bool, train: bool) -> None:
    """Write ``out/{train,val,test}``: noisy versions of the packed photographs, worked out on all cores.

    The training split stays empty unless ``train``: fresh noise needs none on disk. Memory grows neither with the
    number of photographs nor, beyond two of them in uint8, with their size.
    """
    keep_freed_memory()  # the arrays of a piece would else be mapped and unmapped for each piece
    shutil.rmtree(out, ignore_errors=True)
    for split in SPLITS:
        with StoreWriter(out / split, "float16") as writer:
            if split == "train" and not train:
                continue
            clean = Store(photographs / split)
            progress = Progress(f"noise for the {split} photographs", "images", len(clean))
            with closing(_noisy_pieces(clean, sigma, seed, clip)) as pieces:
                for done, (name, pixels) in enumerate(zip(clean.names, clean, strict=True), 1):
                    writer.append_pieces(name, pixels.shape, islice(pieces, math.ceil(pixels.size / _PIECE)))
                    progress(done)


def _noisy_pieces(clean: Store, sigma: float, seed: int, clip: bool) -> Generator[NDArray[np.float16], None, None]:
    """The pieces of all noisy photographs, one after the other."""

    def load(i: int) -> tuple[NDArray[np.uint8], tuple[object, ...]]:
        pixels = clean.read(i)
        return pixels, _key(pixels, sigma, seed)

    loaded = ahead(load, range(len(clean)), cost=lambda i: clean[i].size, budget=_IN_FLIGHT)
    pieces = (piece for pixels, key in loaded for piece in _pieces(pixels, key, sigma, clip))
    return ahead(operator.call, pieces, cost=lambda _: _PIECE, budget=_IN_FLIGHT)
