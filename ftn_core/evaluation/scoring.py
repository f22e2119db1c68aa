"""Scores of a network on the images of a split."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ftn_core.evaluation.metrics import mean_score, ssim_each
from ftn_core.evaluation.pairs import Pairs
from ftn_core.evaluation.records.score import Score
from ftn_core.runtime.images import restore
from ftn_core.runtime.psnr import psnr_each

Metric = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Restored and clean images, each ``N x 3 x H x W``, to ``N`` values."""


def measure(network: nn.Module, pairs: Pairs, level: float, *metrics: Metric) -> list[list[float]]:
    """The metrics of a network's restorations at one level: a row for each image, in the order of the store."""
    places, values = [], []
    for batch in pairs.batches(level):
        restored = restore(network, batch.degraded).float()  # autocast gives half precision
        places += batch.places
        values.append(torch.stack([metric(restored, batch.clean) for metric in metrics], dim=1))
    # one transfer for all batches: a transfer for each would wait for the GPU every time
    rows: list[list[float]] = torch.cat(values).tolist()
    return [row for _, row in sorted(zip(places, rows, strict=True))]


def score(network: nn.Module, pairs: Pairs, level: float, objective: Metric | None = None) -> Score:
    """Mean scores of a network's restorations at one level; ``nn.Identity()`` scores the degraded input."""
    metrics = (psnr_each, ssim_each, *([objective] if objective else []))
    return mean_score([Score(*row) for row in measure(network, pairs, level, *metrics)])


def center_crop(image: Tensor, size: int) -> Tensor:
    """The centre of ``N x C x H x W``, at most ``size`` pixels high and wide."""
    top, left = (max(n - size, 0) // 2 for n in image.shape[2:])
    return image[..., top : top + size, left : left + size]
