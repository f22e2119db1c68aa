"""Noisy sets: Gaussian noise that is the same, byte for byte, on every machine.

Library generators of normal deviates go through the platform's `log` and `cos` or through vectorised variants of
them, so their last bits differ between machines. Here the random part is integers (Philox, which NumPy guarantees
to be stable), and the only transcendental function is evaluated 65,536 times for a table that is then rounded far
more coarsely than any library errs.
"""

import functools
import hashlib
import math
import shutil
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ftn_core.data.store import Store, StoreWriter

SPLITS = ("train", "val", "test")


@functools.cache
def _quantiles() -> NDArray[np.float32]:
    """65,536 equally probable standard normal values, of unit variance, multiples of 2^-16."""
    inverse = NormalDist().inv_cdf
    half = [inverse((i + 0.5) / 65536) for i in range(32768, 65536)]
    scale = 65536 / math.sqrt(math.fsum(z * z for z in half) / len(half))
    upper = np.array([round(z * scale) for z in half], np.float32) / 65536
    return np.concatenate([-upper[::-1], upper])


def standard_normal(size: int, *key: object) -> NDArray[np.float32]:
    """``size`` standard normal values that depend on ``key`` alone.

    Each is the sum of two table values over the root of two, which fills the tails out to 6 standard deviations.
    """
    digest = hashlib.sha256(repr(key).encode()).digest()
    bits = np.random.Philox(key=int.from_bytes(digest[:16], "little"))
    words = bits.random_raw((2 * size + 3) // 4).astype("<u8").view("<u2")
    table = _quantiles()
    total = table[words[:size]] + table[words[size : 2 * size]]  # exact: both are multiples of 2^-16
    return total * np.float32(math.sqrt(0.5))


def add_noise(pixels: NDArray[np.uint8], sigma: float, seed: int, clip: bool) -> NDArray[np.float16]:
    """The noisy version of one photograph, ``3 x H x W`` of uint8, in [0, 1] before the noise.

    The noise depends on the seed, the photograph's pixels and sigma; not on its name or its neighbours. Rounding to
    float16 adds an error of about 77 dB PSNR.
    """
    content = hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()
    noise = standard_normal(pixels.size, seed, pixels.shape, content, float(sigma)).reshape(pixels.shape)
    noise *= np.float32(sigma)
    noise += pixels.astype(np.float32) / np.float32(255)
    return (np.clip(noise, 0, 1) if clip else noise).astype(np.float16)


def write_noisy_set(photographs: Path, out: Path, *, sigma: float, seed: int, clip: bool, train: bool) -> None:
    """Write ``out/{train,val,test}``: noisy versions of the packed photographs, one image at a time.

    The training split stays empty unless ``train``: fresh noise needs none on disk.
    """
    shutil.rmtree(out, ignore_errors=True)
    for split in SPLITS:
        with StoreWriter(out / split, "float16") as writer:
            if split == "train" and not train:
                continue
            clean = Store(photographs / split)
            for name, pixels in zip(clean.names, clean, strict=True):
                writer.append(name, add_noise(pixels, sigma, seed, clip))
