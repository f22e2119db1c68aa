"""Scores and restorations along the dial."""

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.evaluation.pairs import Pairs
from ftn_core.evaluation.records.score import Score
from ftn_core.evaluation.scoring import Metric, score
from ftn_core.runtime.images import restore


def positions(denoiser: ContinuousDenoiser, per_segment: int) -> list[float]:
    """Evenly spaced positions of the whole dial, with ``per_segment`` steps from one whole position to the next."""
    first, last = denoiser.span
    return [first + i / per_segment for i in range(int(last - first) * per_segment + 1)]


def folded(
    denoiser: ContinuousDenoiser, where: Mapping[float, Iterable[float]]
) -> Iterator[tuple[float, nn.Module, list[float]]]:
    """Yield each wanted position once, with the folded network and the levels that want the position.

    It yields the same network every time, and overwrites its weights for the next position.

    Args:
        where: for each level its dial positions.
    """
    levels_at: dict[float, dict[float, None]] = {}
    for level, places in where.items():
        for position in places:
            levels_at.setdefault(position, {})[level] = None
    network: nn.Module | None = None
    for position, levels in sorted(levels_at.items()):
        network = denoiser.fold(position, network)
        yield position, network, list(levels)


def sweep(
    denoiser: ContinuousDenoiser,
    where: Mapping[float, Iterable[float]],
    pairs: Pairs,
    objective: Metric | None = None,
) -> Iterator[tuple[float, float, Score]]:
    """Yield level, position and score for each level and each of its dial positions, ordered by position.

    Args:
        where: for each level its dial positions.
    """
    for position, network, levels in folded(denoiser, where):
        for level in levels:
            yield level, position, score(network, pairs, level, objective)


def restore_along_dial(denoiser: ContinuousDenoiser, degraded: Tensor, places: Iterable[float]) -> Tensor:
    """One image's restorations at dial positions: ``1 x 3 x H x W`` to ``P x 3 x H x W``."""
    network: nn.Module | None = None
    outputs = []
    for place in places:
        network = denoiser.fold(place, network)
        outputs.append(restore(network, degraded))
    return torch.cat(outputs)
