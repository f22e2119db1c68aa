"""SSIM of restored images, and mean scores over images.

Images are ``N x 3 x H x W`` in [0, 1]. Restored images are clipped to that range. Torchmetrics is not used: where
it is installed, Lightning Fabric imports it, and SciPy and matplotlib with it, which doubles the start of every stage.
"""

import math
import statistics
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ftn_core.evaluation.records.score import Score
from ftn_core.runtime.psnr import psnr_each

_RADIUS = 5
"""Half the side of the window, in pixels."""
_SIGMA = 1.5
"""Of the window's Gaussian, in pixels."""
_BANDS = 5
"""Bands in one call. They have 15 channels; a CPU's depthwise convolution always computes a multiple of 16."""
_BAND_PIXELS = 2**17


def similarity(a: Tensor, b: Tensor) -> Tensor:
    """SSIM at every pixel of one image, ``1 x C x H x W`` (Wang et al. 2004, equation 13, its constants)."""
    at = torch.arange(-_RADIUS, _RADIUS + 1, dtype=a.dtype, device=a.device)
    window = torch.exp(-at.square() / (2 * _SIGMA**2))
    window = (window / window.sum()).expand(a.shape[1], 1, 1, -1)
    both = F.pad(torch.cat([a, b, a * a, b * b, a * b]), (_RADIUS,) * 4, mode="reflect")
    means = F.conv2d(F.conv2d(both, window, groups=a.shape[1]), window.mT, groups=a.shape[1])
    mean_a, mean_b, aa, bb, ab = means.split(1)
    product, squares = mean_a * mean_b, mean_a.square() + mean_b.square()
    c1, c2 = 0.01**2, 0.03**2
    structure = (2 * (ab - product) + c2) / (aa + bb - squares + c2)
    return (2 * product + c1) / (squares + c1) * structure


def ssim_each(restored: Tensor, clean: Tensor) -> Tensor:
    """Structural similarity (Wang et al. 2004, IEEE TIP 13(4)) of each image, ``N``.

    Images are cut into bands of rows that overlap by the window, and several bands become the channels of one image.
    The values are the same, in a third of the time, and memory does not grow with the image.
    """
    restored = restored.clamp(0, 1)
    n, channels, height, width = clean.shape
    rows = math.ceil(height / max(_BANDS if n < _BANDS else 1, math.ceil(height * width / _BAND_PIXELS)))
    tall = min(rows + 2 * _RADIUS, height)
    # for each band: its image, the first and last row of the sum, and the first row that is read
    bands = [
        (i, top, min(top + rows, height), min(max(top - _RADIUS, 0), height - tall))
        for i in range(n)
        for top in range(0, height, rows)
    ]
    sums = clean.new_zeros(n)
    for first in range(0, len(bands), _BANDS):
        group = bands[first : first + _BANDS]
        a, b = (torch.cat([x[i, :, at : at + tall] for i, _, _, at in group])[None] for x in (restored, clean))
        for (i, top, bottom, at), part in zip(group, similarity(a, b)[0].split(channels), strict=True):
            sums[i] += part[:, top - at : bottom - at].sum()
    return sums / (channels * height * width)


def score_images(restored: Tensor, clean: Tensor) -> list[Score]:
    """PSNR and SSIM of each image."""
    both = torch.stack([psnr_each(restored, clean), ssim_each(restored, clean)], dim=1)
    return [Score(*row) for row in both.tolist()]


def mean_score(scores: Sequence[Score]) -> Score:
    """The mean score over images. As in the papers, it averages decibels, not squared errors."""
    objectives = [s.objective for s in scores if s.objective is not None]
    return Score(
        statistics.fmean(s.psnr for s in scores),
        statistics.fmean(s.ssim for s in scores),
        statistics.fmean(objectives) if objectives else None,
    )
