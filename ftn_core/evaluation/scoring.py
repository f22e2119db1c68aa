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
    """For each image, in the order of the store, the metrics of a network's restoration of one level."""
    places, values = [], []
    for batch in pairs.batches(level):
        restored = restore(network, batch.degraded).float()  # of half precision under autocast
        places += batch.places
        values.append(torch.stack([metric(restored, batch.clean) for metric in metrics], dim=1))
    # once for all of them: a GPU is not waited for at each batch
    rows: list[list[float]] = torch.cat(values).tolist()
    return [row for _, row in sorted(zip(places, rows, strict=True))]


def score(network: nn.Module, pairs: Pairs, level: float, objective: Metric | None = None) -> Score:
    """Mean scores of a network's restorations; ``nn.Identity()`` scores the degraded input itself."""
    metrics = (psnr_each, ssim_each, *([objective] if objective else []))
    return mean_score([Score(*row) for row in measure(network, pairs, level, *metrics)])


def center_crop(image: Tensor, size: int) -> Tensor:
    """The middle of ``N x C x H x W``, at most ``size`` high and wide."""
    top, left = (max(n - size, 0) // 2 for n in image.shape[2:])
    return image[..., top : top + size, left : left + size]
