"""Scores over levels and over the dial."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn

from ftn_core.denoiser.denoiser import ContinuousDenoiser
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


def positions(denoiser: ContinuousDenoiser, per_segment: int) -> list[float]:
    """The whole dial, sampled evenly: from 0 to the last level, ``per_segment`` steps to each."""
    return [i / per_segment for i in range(len(denoiser.levels) * per_segment + 1)]


def folded(
    denoiser: ContinuousDenoiser, where: Mapping[float, Iterable[float]]
) -> Iterator[tuple[float, nn.Module, list[float]]]:
    """Each position that any level asks for, folded once, with its network and the levels that asked.

    The network is the same one each time, overwritten when the next position is asked for.

    Args:
        where: for each level its positions of the dial.
    """
    asked: dict[float, dict[float, None]] = {}
    for level, places in where.items():
        for position in places:
            asked.setdefault(position, {})[level] = None
    network: nn.Module | None = None
    for position, levels in sorted(asked.items()):
        network = denoiser.fold(position, network)
        yield position, network, list(levels)


def sweep(
    denoiser: ContinuousDenoiser,
    where: Mapping[float, Iterable[float]],
    pairs: Pairs,
    objective: Metric | None = None,
) -> Iterator[tuple[float, float, Score]]:
    """Level, position and score of each position of the dial that is asked for at a level, as they are found."""
    for position, network, levels in folded(denoiser, where):
        for level in levels:
            yield level, position, score(network, pairs, level, objective)


def restore_along_dial(denoiser: ContinuousDenoiser, degraded: Tensor, places: Iterable[float]) -> Tensor:
    """One image's restorations at places of the dial: ``1 x 3 x H x W`` to ``P x 3 x H x W``."""
    network: nn.Module | None = None
    outputs = []
    for place in places:
        network = denoiser.fold(place, network)
        outputs.append(restore(network, degraded))
    return torch.cat(outputs)


def center_crop(image: Tensor, size: int) -> Tensor:
    """The middle of ``N x C x H x W``, at most ``size`` high and wide."""
    top, left = (max(n - size, 0) // 2 for n in image.shape[2:])
    return image[..., top : top + size, left : left + size]
