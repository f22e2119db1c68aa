"""How strong the noise of a picture is, from the picture alone."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from torch import Tensor

WINDOW = 16
"""Pixels of the squares whose mean stands for the brightness below the noise."""
PATCH, PATCHES = 512, 3
"""Of large pictures ``PATCHES x PATCHES`` squares of that side are looked at, evenly spread."""
HIGHEST = 2.0
"""Noise beyond this leaves nothing but black and white."""

_QUARTILE = 0.6745  # half of a Gaussian's values lie within so many standard deviations


def estimate_sigma(image: Tensor) -> float:
    """The standard deviation of white Gaussian noise, on the image's scale.

    scikit-image takes it from the median of the finest wavelet coefficients (Donoho and Johnstone 1994). In a picture
    that was clipped to [0, 1], as every 8-bit file is, dark and bright places show less noise than there was: at a
    sigma of 0.6 a third less. The value returned is the sigma whose clipped noise, at the brightness of this picture's
    windows, gives the median that scikit-image found. An image with values outside [0, 1] was not clipped.

    Texture counts as noise, so weak noise reads too high; noise that a camera or a resize has smoothed reads too low.
    ``benchmarks/auto_sigma.py`` measures both kinds of picture.

    Args:
        image: ``1 x 3 x H x W`` in [0, 1], or beyond where noise was not clipped.
    """
    from skimage.restoration import estimate_sigma as wavelet_sigma  # which takes a second to import

    pixels = representative(image[0].float().cpu().permute(1, 2, 0).numpy())
    if min(pixels.shape[:2]) < 5 or not np.ptp(pixels):
        return 0.0
    found = float(wavelet_sigma(pixels, channel_axis=-1, average_sigmas=True))
    if not np.isfinite(found):  # every coefficient is zero
        return 0.0
    if pixels.min() < 0 or pixels.max() > 1:
        return found
    return _before_clipping(found, _means(pixels, min(WINDOW, *pixels.shape[:2])))


def representative(pixels: NDArray) -> NDArray:
    """``H x W x C`` as it is or, where it is large, patches spread over it, side by side: ``PATCH x n PATCH x C``.

    An estimate needs no more pixels than these, and takes time and memory for each.
    """
    height, width = pixels.shape[:2]
    if height * width <= (PATCH * PATCHES) ** 2 or min(height, width) < PATCH:
        return pixels
    tops, lefts = (np.linspace(0, side - PATCH, PATCHES).astype(int) for side in (height, width))
    return np.concatenate([pixels[t : t + PATCH, x : x + PATCH] for t in tops for x in lefts], axis=1)


def _means(pixels: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Of the squares of a side, each channel for itself."""
    height, width, channels = (length - length % side if i < 2 else length for i, length in enumerate(pixels.shape))
    squares = pixels[:height, :width].reshape(height // side, side, width // side, side, channels)
    return squares.mean(axis=(1, 3)).ravel()


def _before_clipping(found: float, means: NDArray[np.float32]) -> float:
    """The sigma for which half of all clipped noise would lie within what half of it was found to lie within."""

    from scipy.optimize import brentq

    def excess(sigma: float) -> float:
        visible = _visible(sigma, means)
        return float(np.mean(2 * ndtr(found * _QUARTILE / visible) - 1) - 0.5)

    if found <= 0 or excess(found) <= 0:
        return found
    if excess(HIGHEST) >= 0:
        return HIGHEST
    return float(brentq(excess, found, HIGHEST, xtol=1e-4))


def _visible(sigma: float, means: NDArray[np.float32]) -> NDArray[np.float64]:
    """The standard deviation that clipping to [0, 1] leaves of noise, at places whose mean after clipping is given."""
    brightness = np.linspace(-4 * sigma, 1 + 4 * sigma, 513)
    a, b = -brightness / sigma, (1 - brightness) / sigma
    inside, black, white = ndtr(b) - ndtr(a), _density(a), _density(b)
    # first and second moment of a Gaussian clipped to [0, 1]
    mean = brightness * inside + sigma * (black - white) + 1 - ndtr(b)
    square = (brightness**2 + sigma**2) * inside
    square += sigma * (brightness * black - (brightness + 1) * white) + 1 - ndtr(b)
    deviation = np.sqrt(np.maximum(square - mean**2, 1e-12))
    return np.interp(means, mean, deviation)


def _density(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
