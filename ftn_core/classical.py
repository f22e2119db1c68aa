"""Denoisers that learn nothing, told the true sigma: the floor that a network has to beat. By scikit-image."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, denoise_wavelet

Image = NDArray[np.float32]
"""``H x W x 3`` with noise around [0, 1]."""


def nl_means(noisy: Image, sigma: float) -> Image:
    """Non-local means (Buades et al. 2005), patches of 5 in a window of 13; h = 0.6 sigma as scikit-image advises."""
    return denoise_nl_means(
        noisy, patch_size=5, patch_distance=6, h=0.6 * sigma, sigma=sigma, fast_mode=True, channel_axis=-1
    )


def total_variation(noisy: Image, sigma: float) -> Image:
    """Total variation (Chambolle 2004) with weight sigma."""
    return denoise_tv_chambolle(noisy, weight=sigma, channel_axis=-1)


def wavelet(noisy: Image, sigma: float) -> Image:
    """BayesShrink on wavelet coefficients (Chang et al. 2000), in YCbCr."""
    return denoise_wavelet(noisy, sigma=sigma, convert2ycbcr=True, rescale_sigma=True, channel_axis=-1)


CLASSICAL: dict[str, Callable[[Image, float], Image]] = {
    "non-local means": nl_means,
    "total variation": total_variation,
    "wavelet": wavelet,
}
