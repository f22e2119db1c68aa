"""Scores over sigma and the dial, and the dial's calibration."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor, nn

from ftn_core.continuous import ContinuousDenoiser
from ftn_core.data.pairs import Pairs
from ftn_core.data.store import Store
from ftn_core.images import restore
from ftn_core.metrics import Score, mean_score, psnr_each, ssim_each

Metric = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Restored and clean images, each ``N x 3 x H x W``, to ``N`` values."""


def measure(network: nn.Module, pairs: Pairs, sigma: float, *metrics: Metric) -> list[list[float]]:
    """For each image, in the order of the store, the metrics of a network's restoration of one sigma."""
    places, values = [], []
    for batch in pairs.batches(sigma):
        restored = restore(network, batch.noisy).float()  # of half precision under autocast
        places += batch.places
        values.append(torch.stack([metric(restored, batch.clean) for metric in metrics], dim=1))
    # once for all of them: a GPU is not waited for at each batch
    rows: list[list[float]] = torch.cat(values).tolist()
    return [row for _, row in sorted(zip(places, rows, strict=True))]


def score(network: nn.Module, pairs: Pairs, sigma: float, objective: Metric | None = None) -> Score:
    """Mean scores of a network's restorations; ``nn.Identity()`` scores the noisy input itself."""
    metrics = (psnr_each, ssim_each, *([objective] if objective else []))
    return mean_score([Score(*row) for row in measure(network, pairs, sigma, *metrics)])


def positions(denoiser: ContinuousDenoiser, per_segment: int) -> list[float]:
    """The whole dial, sampled evenly: from 0 to the last level, ``per_segment`` steps to each."""
    return [i / per_segment for i in range(len(denoiser.levels) * per_segment + 1)]


def folded(
    denoiser: ContinuousDenoiser, where: Mapping[float, Iterable[float]]
) -> Iterator[tuple[float, nn.Module, list[float]]]:
    """Each position that any sigma asks for, folded once, with its network and the sigmas that asked.

    The network is the same one each time, overwritten when the next position is asked for.

    Args:
        where: for each sigma its positions of the dial.
    """
    asked: dict[float, dict[float, None]] = {}
    for sigma, places in where.items():
        for position in places:
            asked.setdefault(position, {})[sigma] = None
    network: nn.Module | None = None
    for position, sigmas in sorted(asked.items()):
        network = denoiser.fold(position, network)
        yield position, network, list(sigmas)


def sweep(
    denoiser: ContinuousDenoiser,
    where: Mapping[float, Iterable[float]],
    pairs: Pairs,
    objective: Metric | None = None,
) -> Iterator[tuple[float, float, Score]]:
    """Sigma, position and score of each position of the dial that is asked for at a sigma, as they are found."""
    for position, network, sigmas in folded(denoiser, where):
        for sigma in sigmas:
            yield sigma, position, score(network, pairs, sigma, objective)


def turned(denoiser: ContinuousDenoiser, noisy: Tensor, places: Iterable[float]) -> Tensor:
    """One image's restorations at places of the dial: ``1 x 3 x H x W`` to ``P x 3 x H x W``."""
    network: nn.Module | None = None
    outputs = []
    for place in places:
        network = denoiser.fold(place, network)
        outputs.append(restore(network, noisy))
    return torch.cat(outputs)


def middle(image: Tensor, size: int) -> Tensor:
    """The middle of ``N x C x H x W``, at most ``size`` high and wide."""
    top, left = (max(n - size, 0) // 2 for n in image.shape[2:])
    return image[..., top : top + size, left : left + size]


def find_dial(
    denoiser: ContinuousDenoiser,
    clean: Store,
    noisy: Mapping[float, Path],
    device: torch.device,
    limit: int | None = None,
    tolerance: float = 0.02,
    on_pass: Callable[[], None] = lambda: None,
) -> list[tuple[float, float]]:
    """The dial that restores best: for each sigma the position of highest mean PSNR, found on validation images.

    Trained levels stay at their own place. A sigma between two levels is searched for between them (PSNR over alpha has
    one maximum), until alpha is known to ``tolerance``. The result never turns back: a higher sigma has no lower
    position.

    Args:
        clean: validation photographs.
        noisy: for each sigma the folder of their noisy versions.
        limit: photographs at most, evenly chosen.
        on_pass: called after each pass over the photographs.
    """
    levels = denoiser.sigmas
    points = {sigma: float(i) for i, sigma in enumerate(levels)}
    network: nn.Module | None = None
    for sigma, folder in sorted(noisy.items()):
        if sigma in points or not levels[0] < sigma < levels[-1]:
            continue
        pairs = Pairs(clean, {sigma: Store(folder)}, device, limit=limit)
        lower = int(np.searchsorted(levels, sigma)) - 1

        def loss(alpha: float) -> float:
            nonlocal network
            network = denoiser.fold(lower + alpha, network)  # noqa: B023 - called within the iteration
            rows = measure(network, pairs, sigma, psnr_each)  # noqa: B023
            on_pass()
            return -sum(decibels for (decibels,) in rows) / len(rows)

        best = minimize_scalar(loss, bounds=(0, 1), method="bounded", options={"xatol": tolerance})
        points[sigma] = lower + round(float(best.x), 4)
    rising = np.maximum.accumulate([points[sigma] for sigma in sorted(points)])
    return list(zip(sorted(points), rising.tolist(), strict=True))
