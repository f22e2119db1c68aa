"""Blends a network's output with its input: ``x + w (network(x) - x)``, so that a dial can end at the input itself."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

Blend = Sequence[tuple[float, float]]
"""``(reach, weight)`` points: ``reach`` is 0 where there is nothing to do and 1 at the weakest trained level."""


def blend_weight(points: Blend, reach: float) -> float:
    """The weight of the network's output: 0 at a reach of 0, 1 from a reach of 1 on.

    Between the points it is linear in the reach's square. Noise of standard deviation s leaves the share
    ``s^2 / (s^2 + d^2)`` of a change that also removes detail of energy d^2, which is quadratic in s near 0.
    """
    reaches, weights = zip((0.0, 0.0), *points, (1.0, 1.0), strict=True)
    return float(np.interp(reach**2, np.square(reaches), weights))


def add_blend(network: nn.Module) -> nn.Module:
    """Make the network return the blend; ``set_blend`` sets the weight, which is 1 at first.

    The network keeps its class's name, parts and state dict. Not a forward hook, which would cut compiled code in two.
    """
    device = next(network.parameters()).device
    # a tensor, so that compiled code and CUDA graphs that use the network follow it
    network.register_buffer("blend", torch.ones((), device=device), persistent=False)
    network.__class__ = _blended(type(network))
    return network


def set_blend(network: nn.Module, weight: float) -> None:
    """Set the weight of the network's output, in place."""
    network.get_buffer("blend").fill_(weight)


@cache
def _blended(kind: type[nn.Module]) -> type[nn.Module]:
    """The subclass of a network's class whose output is the blend."""

    class Blended(kind):  # type: ignore[misc,valid-type]
        blend: Tensor

        def forward(self, x: Tensor) -> Tensor:
            output = super().forward(x).to(x.dtype)
            # exact at both ends: weight 0 gives the input bit for bit, weight 1 the output
            return torch.lerp(x, output, self.blend.to(x.dtype))

    Blended.__name__, Blended.__qualname__ = kind.__name__, kind.__qualname__
    return Blended
