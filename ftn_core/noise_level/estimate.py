"""The noise level at which a picture is restored best, estimated from the picture alone."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ftn_core.noise_level.features import OFFSET, features, finest_diagonals
from ftn_core.released.models import WEIGHTS
from ftn_core.runtime.checkpoint import read_tensors

PATCH, PATCHES = 512, 3
"""Of a large picture only ``PATCHES x PATCHES`` patches are used, of ``PATCH`` pixels a side, evenly spaced."""
SMALLEST = 32
"""Shorter sides have too few blocks for the trained estimate."""
STRONG = 50 / 255
"""White noise far above this was not trained for. It drowns all texture, so the wavelets' estimate is good there."""
SMOOTH, EVEN = 0.35, 1.4
"""When noise counts as a camera's: the share of its level that the finest diagonals have, and by how much in logarithms
they may differ between the smoothest and the most textured parts. White noise has a share of at least 0.4. JPEG alone
leaves fine detail in textured parts and none in smooth ones."""
FAINT = 2 / 255
"""Weaker estimates stay as they are: polyu has no camera's noise there to choose the rule on."""
CAMERA, POWER = 5.6, 0.35
"""The best level for a camera's noise, ``CAMERA * found ** POWER`` of 255. Noise in the training examples is less
smooth than a camera's, so the network finds too little. Chosen on the 75 development pairs of polyu (docs/log.md)."""
UNSURE = 9 / 255
"""Up to here fine texture may have been taken for noise: the largest estimate for a clean photograph of CBSD68's first
eight (``benchmarks/photo.py``)."""
NETWORK = WEIGHTS / "noise_level.safetensors"
"""Made by ``python -m ftn_core.noise_level.train``."""


def estimate_sigma(image: Tensor) -> float:
    """The sigma of a dial for white noise that gives the highest PSNR, on the image's scale; 0 if nothing is to do.

    For white noise that is its own sigma. For a camera's noise it is higher than the noise's standard deviation,
    because demosaicking and JPEG have made it smooth. A small network estimates it from the energies of three bands
    (features.py). It was trained for the PSNR that an estimate loses (train.py).

    The noise is what is visible. Clipping to [0, 1], as in every 8-bit file, removes part of strong noise in dark and
    bright places. There is no correction for that: a network that was trained on unclipped noise restores clipped
    pictures better at this sigma than at the sigma before clipping (docs/log.md, 2026-11-25).

    Args:
        image: ``1 x 3 x H x W`` in [0, 1], or beyond where noise was not clipped.
    """
    pixels = sample_patches(image[0].float().cpu().permute(1, 2, 0).numpy())
    if min(pixels.shape[:2]) < 5 or not np.ptp(pixels):
        return 0.0
    if min(pixels.shape[:2]) < SMALLEST:
        return wavelet_sigma(pixels)
    seen = features(pixels)
    found = from_features(seen)
    if is_camera_noise(seen, found):
        return max(found, CAMERA * (255 * found) ** POWER / 255)
    if found < STRONG:
        return found
    white = wavelet_sigma(pixels)
    return white if white > STRONG else found  # the wavelets do not see smooth noise


def from_features(found: NDArray) -> float:
    """The trained estimate."""
    weights = _network()
    hidden = np.tanh(
        weights["hidden.weight"] @ ((found - weights["mean"]) / weights["spread"]) + weights["hidden.bias"]
    )
    level = np.expm1(weights["output.weight"] @ hidden + weights["output.bias"]).item()
    return min(max(level, 0.0) / 255, 1.0)


def may_be_texture(sigma: float) -> bool:
    """Whether an estimate is so weak that it may be fine texture of a picture without noise."""
    return 0 < sigma <= UNSURE


def is_camera_noise(seen: NDArray, sigma: float) -> bool:
    """Whether there is noise that is far smoother than white noise of ``sigma``, and everywhere in the picture."""
    smoothest, smooth, *_, textured = finest_diagonals(seen)
    return bool(sigma > FAINT and np.exp(smooth) - OFFSET < 255 * sigma * SMOOTH and textured - smoothest < EVEN)


def wavelet_sigma(pixels: NDArray) -> float:
    """The sigma of white noise from the median of the finest wavelet coefficients (Donoho and Johnstone 1994).

    Args:
        pixels: ``H x W x 3``.
    """
    from skimage.restoration import estimate_sigma as by_wavelets  # its import takes a second

    found = float(by_wavelets(pixels, channel_axis=-1, average_sigmas=True))
    return found if np.isfinite(found) else 0.0  # NaN where every coefficient is zero


def sample_patches(pixels: NDArray) -> NDArray:
    """Enough pixels for an estimate, whose time and memory grow with their number.

    Args:
        pixels: ``H x W x C``.

    Returns:
        ``pixels`` or, if they are many, patches side by side: ``PATCH x (PATCH * PATCHES**2) x C``.
    """
    height, width = pixels.shape[:2]
    if height * width <= (PATCH * PATCHES) ** 2 or min(height, width) < PATCH:
        return pixels
    tops, lefts = (np.linspace(0, side - PATCH, PATCHES).astype(int) for side in (height, width))
    return np.concatenate([pixels[t : t + PATCH, x : x + PATCH] for t in tops for x in lefts], axis=1)


@cache
def _network() -> dict[str, NDArray]:
    return {name: tensor.double().numpy() for name, tensor in read_tensors(NETWORK)[0].items()}
