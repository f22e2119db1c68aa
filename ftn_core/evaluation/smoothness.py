"""How evenly a restoration changes while the dial turns."""

import torch
from torch import Tensor

from ftn_core.evaluation.records.evaluation import Smoothness


def smoothness(path: Tensor) -> Smoothness:
    """Of the path that an image's restoration takes: ``P x 3 x H x W`` in [0, 1], even samples of the dial in order.

    A path that stays where it is is even, straight and never turns back.
    """
    points = path.flatten(1).double() * 255
    steps = _distance(points[1:], points[:-1])
    away = _distance(points, points[0])
    longest, length = float(steps.max()), float(steps.sum())
    return Smoothness(
        evenness=float(steps.mean()) / longest if longest else 1.0,
        largest_jump=longest,
        monotonicity=float((away.diff() >= 0).double().mean()),
        straightness=float(away[-1]) / length if length else 1.0,
    )


def _distance(a: Tensor, b: Tensor) -> Tensor:
    """Root mean square of the difference, for each row."""
    return torch.sqrt(((a - b) ** 2).mean(-1))
