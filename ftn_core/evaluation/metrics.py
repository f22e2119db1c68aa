"""SSIM of restored images, by torchmetrics, and mean scores over images.

Images are ``N x 3 x H x W`` in [0, 1]. Restored images are clipped to that range.
"""

import math
import statistics
from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from ftn_core.evaluation.records.score import Score
from ftn_core.runtime.psnr import psnr_each

_RADIUS = 5
"""Half the side of torchmetrics' window, in pixels, at its sigma of 1.5."""
_BANDS = 5
"""Bands in one call. They have 15 channels; a CPU's depthwise convolution always computes a multiple of 16."""
_BAND_PIXELS = 2**17


def ssim_each(restored: Tensor, clean: Tensor) -> Tensor:
    """Structural similarity (Wang et al. 2004, Gaussian window) of each image, ``N``.

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
        similarity = structural_similarity_index_measure(a, b, data_range=1.0, return_full_image=True)[1]
        for (i, top, bottom, at), part in zip(group, similarity[0].split(channels), strict=True):
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
