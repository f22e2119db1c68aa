"""Calibration of the blend below the weakest trained level, where a network may remove detail, too."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ftn_core.data.store import Store
from ftn_core.data.subset import evenly_spaced
from ftn_core.degradations.degradation import Degradation
from ftn_core.denoiser.blend import set_blend
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.runtime.images import restore, to_image

REACHES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4)
"""How far from nothing to do to the weakest trained level the weights are calibrated."""
PART = 128
"""Side in pixels of the parts of photographs that are compared."""
WORSE = 0.05
"""Share of the parts that may become worse than the degraded input."""
_WEIGHTS = np.linspace(0, 1, 101)


def calibrate_blend(
    denoiser: ContinuousDenoiser,
    clean: Store,
    device: torch.device,
    limit: int | None = None,
) -> list[tuple[float, float]]:
    """The ``(reach, weight)`` points of the best blend (ftn_core/denoiser/blend.py); none if it needs none.

    A weight is the best by mean PSNR over parts of the photographs, among those at which at most ``WORSE`` of the parts
    are worse than the degraded input. It never falls on the way to the weakest trained level.

    Args:
        clean: validation photographs.
        limit: use at most so many photographs, evenly spaced; None: all.
    """
    if not denoiser.needs_weights:
        return []
    degrade = Degradation.of(denoiser.task.degradation)
    first = denoiser.span[0]
    levels = {reach: denoiser.level_at(first + reach) for reach in REACHES}
    if denoiser.task.quantity.whole:
        levels = {denoiser.position(round(level)) - first: float(round(level)) for level in levels.values()}
    points, network, least = [], None, 0.0
    for reach, level in levels.items():
        if not 0 < reach < 1:
            continue
        network = denoiser.fold(first + reach, network)
        set_blend(network, 1.0)
        errors = []
        for i in evenly_spaced(len(clean), limit):
            image = to_image(degrade(clean[i], level), device)
            errors.append(_squared_errors(image.clamp(0, 1), restore(network, image), to_image(clean[i], device)))
        least = max(least, best_weight(np.concatenate(errors)))
        points.append((reach, least))
    return points


def best_weight(errors: NDArray[np.float64]) -> float:
    """The weight with the best mean PSNR among those that leave all but ``WORSE`` of the parts no worse.

    Args:
        errors: for each part the mean of ``e^2``, ``e d`` and ``d^2``, ``N x 3``: e is the input's error and d the
            change by the network. The error at weight w is ``e^2 + 2 w e d + w^2 d^2``.
    """
    before, product, change = (column[:, None] for column in errors.T)
    after = before + 2 * _WEIGHTS * product + _WEIGHTS**2 * change
    allowed = np.mean(after > before * (1 + 1e-9), axis=0) <= WORSE
    decibels = np.log10(np.maximum(after, 1e-12)).mean(axis=0)
    return float(_WEIGHTS[np.where(allowed, decibels, np.inf).argmin()])


def _squared_errors(degraded: Tensor, restored: Tensor, clean: Tensor) -> NDArray[np.float64]:
    """``N x 3``, as ``best_weight`` takes them; images are ``1 x 3 x H x W``, narrower parts at the edge included."""
    error, change = (degraded - clean).double(), (restored - degraded).double()
    products = torch.cat([error**2, error * change, change**2]).mean(dim=1)  # 3 x H x W
    parts = [part.mean(dim=(1, 2)) for rows in products.split(PART, 1) for part in rows.split(PART, 2)]
    found: NDArray[np.float64] = torch.stack(parts).cpu().numpy()
    return found
