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
