"""SSIM of restored images, by torchmetrics, and scores as means over images.

Images are ``N x 3 x H x W`` in [0, 1], the restored ones clipped to that range.
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
"""Pixels by which torchmetrics' window reaches out, at its sigma of 1.5."""
_STRIPS = 5
"""Strips of three channels at once: 15, of the 16 that a CPU's depthwise convolution computes in any case."""
_STRIP_PIXELS = 2**17


def ssim_each(restored: Tensor, clean: Tensor) -> Tensor:
    """Structural similarity (Wang et al. 2004, Gaussian window) of each image, ``N``.

    It is computed in strips of rows that overlap by the window, as the channels of one image: the same values in a
    third of the time, and memory that does not grow with the image.
    """
    restored = restored.clamp(0, 1)
    n, channels, height, width = clean.shape
    rows = math.ceil(height / max(_STRIPS if n < _STRIPS else 1, math.ceil(height * width / _STRIP_PIXELS)))
    tall = min(rows + 2 * _RADIUS, height)
    # which image, its rows that are summed, and where the strip begins that gives them
    strips = [
        (i, top, min(top + rows, height), min(max(top - _RADIUS, 0), height - tall))
        for i in range(n)
        for top in range(0, height, rows)
    ]
    sums = clean.new_zeros(n)
    for first in range(0, len(strips), _STRIPS):
        group = strips[first : first + _STRIPS]
        a, b = (torch.cat([x[i, :, at : at + tall] for i, _, _, at in group])[None] for x in (restored, clean))
        similarity = structural_similarity_index_measure(a, b, data_range=1.0, return_full_image=True)[1]
        for (i, top, bottom, at), part in zip(group, similarity[0].split(channels), strict=True):
            sums[i] += part[:, top - at : bottom - at].sum()
    return sums / (channels * height * width)


def score_images(restored: Tensor, clean: Tensor) -> list[Score]:
    """Both metrics of each image."""
    both = torch.stack([psnr_each(restored, clean), ssim_each(restored, clean)], dim=1)
    return [Score(*row) for row in both.tolist()]


def mean_score(scores: Sequence[Score]) -> Score:
    """The mean over images: of decibels, as the papers do, not of squared errors."""
    objectives = [s.objective for s in scores if s.objective is not None]
    return Score(
        statistics.fmean(s.psnr for s in scores),
        statistics.fmean(s.ssim for s in scores),
        statistics.fmean(objectives) if objectives else None,
    )
