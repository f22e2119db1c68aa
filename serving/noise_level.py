"""How strong the noise of a picture is, from the picture alone."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

PATCH, PATCHES = 512, 3
"""Of large pictures ``PATCHES x PATCHES`` squares of that side are looked at, evenly spread."""


def estimate_sigma(image: Tensor) -> float:
    """The standard deviation of white Gaussian noise, on the image's scale; 0 where nothing varies.

    scikit-image takes it from the median of the finest wavelet coefficients (Donoho and Johnstone 1994). Texture
    counts as noise, so weak noise reads too high; noise that a camera or a resize has smoothed reads too low.

    It is the noise that can be seen: clipping to [0, 1], as in every 8-bit file, hides part of strong noise in dark
    and bright places. That is left as it is, because at this sigma a network that was trained on noise as it is
    restores clipped pictures better than at the sigma before clipping (``benchmarks/auto_sigma.py``).

    Args:
        image: ``1 x 3 x H x W`` in [0, 1], or beyond where noise was not clipped.
    """
    from skimage.restoration import estimate_sigma as wavelet_sigma  # which takes a second to import

    pixels = representative(image[0].float().cpu().permute(1, 2, 0).numpy())
    if min(pixels.shape[:2]) < 5 or not np.ptp(pixels):
        return 0.0
    found = float(wavelet_sigma(pixels, channel_axis=-1, average_sigmas=True))
    return found if np.isfinite(found) else 0.0  # every coefficient is zero


def representative(pixels: NDArray) -> NDArray:
    """``H x W x C`` as it is or, where it is large, patches spread over it, side by side: ``PATCH x n PATCH x C``.

    An estimate needs no more pixels than these, and takes time and memory for each.
    """
    height, width = pixels.shape[:2]
    if height * width <= (PATCH * PATCHES) ** 2 or min(height, width) < PATCH:
        return pixels
    tops, lefts = (np.linspace(0, side - PATCH, PATCHES).astype(int) for side in (height, width))
    return np.concatenate([pixels[t : t + PATCH, x : x + PATCH] for t in tops for x in lefts], axis=1)
