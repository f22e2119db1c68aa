"""The dial's calibration: the position that restores each level best."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import nn

from ftn_core.data.store import Store
from ftn_core.denoiser.denoiser import ContinuousDenoiser, between
from ftn_core.evaluation.pairs import Pairs
from ftn_core.evaluation.scoring import measure
from ftn_core.runtime.psnr import psnr_each


def calibrate_dial(
    denoiser: ContinuousDenoiser,
    clean: Store,
    degraded: Mapping[float, Path],
    device: torch.device,
    limit: int | None = None,
    tolerance: float = 0.02,
    on_pass: Callable[[], None] = lambda: None,
) -> list[tuple[float, float]]:
    """The ``(level, position)`` points of the best dial: at each level the highest mean PSNR on validation images.

    Trained levels keep their positions. The position of a level between two trained ones is searched between their
    positions. PSNR over alpha has one maximum there. The result is monotonic: a stronger level never gets a lower
    position. Below the weakest trained level nothing is searched: there positions are linear in the level.

    Args:
        clean: validation photographs.
        degraded: for each level the folder of their degraded versions.
        limit: use at most so many photographs, evenly spaced; None: all.
        tolerance: the error allowed in alpha.
        on_pass: called after each pass over the photographs.
    """
    levels = denoiser.trained
    points = dict(denoiser.fixed_points)
    network: nn.Module | None = None
    for level, folder in degraded.items():
        if level in points or not between(level, levels[0], levels[-1]):
            continue
        pairs = Pairs(clean, {level: Store(folder)}, device, limit=limit)
        lower = points[next(weaker for weaker, stronger in pairwise(levels) if between(level, weaker, stronger))]

        def loss(alpha: float) -> float:
            nonlocal network
            network = denoiser.fold(lower + alpha, network)  # noqa: B023 - called within the iteration
            rows = measure(network, pairs, level, psnr_each)  # noqa: B023
            on_pass()
            return -sum(decibels for (decibels,) in rows) / len(rows)

        best = minimize_scalar(loss, bounds=(0, 1), method="bounded", options={"xatol": tolerance})
        points[level] = lower + round(float(best.x), 4)
    along = sorted(points, key=denoiser.task.quantity.strength)
    rising = np.maximum.accumulate([points[level] for level in along])
    return list(zip(along, rising.tolist(), strict=True))
