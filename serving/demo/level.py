"""The automatic level."""

from skimage.restoration import estimate_sigma as _estimate
from torch import Tensor


def estimate_sigma(noisy: Tensor) -> float:
    """The noise of ``1 x 3 x H x W`` in [0, 1]: Donoho and Johnstone's median of wavelet details, by scikit-image."""
    return float(_estimate(noisy[0].numpy(), channel_axis=0, average_sigmas=True))
