"""Estimates the noise level of a picture from the picture alone."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

PATCH, PATCHES = 512, 3
"""Of a large picture only ``PATCHES x PATCHES`` patches are used, of ``PATCH`` pixels a side, evenly spaced."""


def estimate_sigma(image: Tensor) -> float:
    """The standard deviation of white Gaussian noise, on the image's scale; 0 for a constant image.

    scikit-image computes it from the median of the finest wavelet coefficients (Donoho and Johnstone 1994). Texture
    counts as noise, so the estimate for weak noise is too high. Noise that a camera or a resize has smoothed gives an
    estimate that is too low.

    The estimate is of the visible noise. Clipping to [0, 1], as in every 8-bit file, removes part of strong noise in
    dark and bright places. There is no correction for that: a network that was trained on unclipped noise restores
    clipped pictures better at this sigma than at the sigma before clipping (``benchmarks/auto_sigma.py``).

    Args:
        image: ``1 x 3 x H x W`` in [0, 1], or beyond where noise was not clipped.
    """
    from skimage.restoration import estimate_sigma as wavelet_sigma  # its import takes a second

    pixels = sample_patches(image[0].float().cpu().permute(1, 2, 0).numpy())
    if min(pixels.shape[:2]) < 5 or not np.ptp(pixels):
        return 0.0
    found = float(wavelet_sigma(pixels, channel_axis=-1, average_sigmas=True))
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
