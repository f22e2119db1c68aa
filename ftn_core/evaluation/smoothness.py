"""How smoothly a restoration changes as the dial moves."""

import torch
from torch import Tensor

from ftn_core.evaluation.records.evaluation import Smoothness


def smoothness(path: Tensor) -> Smoothness:
    """The smoothness of the path that an image's restoration takes along the dial.

    A path that never moves counts as even, straight and monotonic.

    Args:
        path: the restorations at evenly spaced positions, in order, ``P x 3 x H x W`` in [0, 1].
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
    """Root mean square of the difference of each row."""
    return torch.sqrt(((a - b) ** 2).mean(-1))
