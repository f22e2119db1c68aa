"""An estimate of the noise's sigma before a picture was clipped, which the command does not use.

``benchmarks/auto_sigma.py`` shows why.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr
from torch import Tensor

from ftn_core.noise_level.estimate import estimate_sigma

WINDOW = 16
"""Side in pixels of the squares whose mean is taken for the brightness without noise."""
HIGHEST = 2.0
"""Above this nearly every pixel is clipped to black or white."""

_QUARTILE = 0.6745  # half of a Gaussian's values lie within so many standard deviations


def sigma_before_clipping(image: Tensor) -> float:
    """The sigma of noise that, clipped at the brightness of the image's windows, gives the estimate found in the image.

    Args:
        image: ``1 x 3 x H x W`` in [0, 1], or beyond where noise was not clipped.
    """
    found = estimate_sigma(image)
    if not found or image.min() < 0 or image.max() > 1:
        return found
    pixels = image[0].permute(1, 2, 0).numpy()
    return _before_clipping(found, _means(pixels, min(WINDOW, *pixels.shape[:2])))


def _means(pixels: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Mean of each square of a side, by channel."""
    height, width, channels = (length - length % side if i < 2 else length for i, length in enumerate(pixels.shape))
    squares = pixels[:height, :width].reshape(height // side, side, width // side, side, channels)
    return squares.mean(axis=(1, 3)).ravel()


def _before_clipping(found: float, means: NDArray[np.float32]) -> float:
    """The sigma for which half of all clipped noise lies within the quartile of ``found``."""

    def excess(sigma: float) -> float:
        visible = _visible(sigma, means)
        return float(np.mean(2 * ndtr(found * _QUARTILE / visible) - 1) - 0.5)

    if found <= 0 or excess(found) <= 0:
        return found
    if excess(HIGHEST) >= 0:
        return HIGHEST
    return float(brentq(excess, found, HIGHEST, xtol=1e-4))


def _visible(sigma: float, means: NDArray[np.float32]) -> NDArray[np.float64]:
    """The standard deviation of noise after clipping to [0, 1], at places whose mean after clipping is given."""
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
