"""Blends a network's output with its input, ``x + w (network(x) - x)``, so that a dial can end at the input itself.

``w`` is either one calibrated weight, or is found in each place from the known energy of the noise.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

SQUARE = 9
"""Side in pixels of the square over which the removed energy is averaged; ``_sums`` is written for it."""

BlendRule = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From the dial's setting, the image and the output to the weight of the output."""


def blend_weight(points: Sequence[tuple[float, float]], reach: float) -> float:
    """A calibrated weight: 0 at a reach of 0, 1 from a reach of 1 on.

    Between the points it is linear in the reach's square: of a change that also removes detail, the best share grows
    with the energy of the degradation.

    Args:
        points: ``(reach, weight)``; a reach is 0 where there is nothing to do and 1 at the weakest trained level.
    """
    reaches, weights = zip((0.0, 0.0), *points, (1.0, 1.0), strict=True)
    return float(np.interp(reach**2, np.square(reaches), weights))


def noise_energy(sigma: float, reach: float) -> float:
    """How much energy a network may remove before its output is blended with the input.

    It is that of the noise, sigma^2, far below the weakest trained level. It rises without bound towards that level,
    so that the dial is continuous there.
    """
    return sigma**2 / (1 - reach**4) if reach < 1 else float("inf")


def by_weight(setting: Tensor, image: Tensor, output: Tensor) -> Tensor:
    """The setting itself."""
    return setting


def by_energy(setting: Tensor, image: Tensor, output: Tensor) -> Tensor:
    """Less than 1 where the network removes more energy than the setting allows, ``N x 3 x H x W``.

    Of noise n with a known energy the network removes all, and in textured places also detail d, which does not
    correlate with n. The share w of ``n + d`` that leaves the smallest error is ``|n|^2 / |n + d|^2``: the allowed
    energy over the removed one.
    """
    red, green, blue = (image - output).square().unbind(dim=1)  # a mean over channels_last's channels is slower
    removed = F.pad((red + green + blue)[:, None], [SQUARE // 2] * 4, mode="replicate")
    removed = _sums(_sums(removed, 2), 3) / (3 * SQUARE**2)
    weight = (setting / removed.clamp_min(1e-12)).clamp_max(1.0)
    # in the output's own layout: otherwise blending takes as long as all of this
    return weight.expand_as(output).contiguous(memory_format=torch.channels_last)


def _sums(x: Tensor, dim: int) -> Tensor:
    """Sums of ``SQUARE`` neighbours, by doubling: a third of the time of pooling, and it makes no multiply-adds."""
    eight = x
    for step in (1, 2, 4):
        count = eight.shape[dim] - step
        eight = eight.narrow(dim, 0, count) + eight.narrow(dim, step, count)
    count = x.shape[dim] - 8
    return eight.narrow(dim, 0, count) + x.narrow(dim, 8, count)


def add_blend(network: nn.Module, rule: BlendRule) -> nn.Module:
    """Make the network return the blend. ``set_blend`` sets what ``rule`` takes.

    The network keeps its class's name, parts and state dict. Not a forward hook, which would cut compiled code in two.
    """
    device = next(network.parameters()).device
    # a tensor, so that compiled code and CUDA graphs that use the network follow it
    network.register_buffer("blend", torch.ones((), device=device), persistent=False)
    network.__class__ = _blended(type(network), rule)
    if rule is by_energy and network.radius is not None:
        network.radius += SQUARE // 2  # type: ignore[operator,assignment]
    return network


def set_blend(network: nn.Module, setting: float) -> None:
    """Set what the weight of the network's output is computed from, in place."""
    network.get_buffer("blend").fill_(setting)


def _blended(kind: type[nn.Module], rule: BlendRule) -> type[nn.Module]:
    """The subclass of a network's class whose output is the blend."""

    class Blended(kind):  # type: ignore[misc,valid-type]
        blend: Tensor

        def forward(self, x: Tensor) -> Tensor:
            output = super().forward(x).to(x.dtype)
            # exact at both ends: weight 0 gives the input bit for bit, weight 1 the output
            return torch.lerp(x, output, rule(self.blend, x, output).to(x.dtype))

    Blended.__name__, Blended.__qualname__ = kind.__name__, kind.__qualname__
    return Blended
