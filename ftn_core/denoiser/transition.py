"""The protocol that all methods share."""

from collections.abc import Mapping, Set
from typing import Any, Self

import torch
from torch import Tensor, nn

from ftn_core.utils.plugins import load_class

State = dict[str, Tensor]
"""Parameters and buffers by the base's names."""


class Transition(nn.Module):
    """What adapts a base network to one more level.

    Built from the base and the level's ratio (its sigma over the base's), it starts at the base itself or at the best
    known guess. ``forward`` serves finetuning (called in every step, with gradients) and inference (called once, then
    folded) alike: it takes the base's named parameters and returns those that differ at the level. Interpolating
    between the two is the dial.
    """

    constant: Set[str] = frozenset()
    """Names of what the level adds to the base and the dial leaves as it is."""

    def extend(self, network: nn.Module) -> nn.Module:
        """The base in the shape that the level needs, computing the same; most methods need no other than its own."""
        return network

    def forward(self, state: Mapping[str, Tensor]) -> State:
        raise NotImplementedError

    def at_base(self, fresh: Self) -> Self:
        """The transition to the base itself from which the dial runs to this one; ``fresh`` is one of no training."""
        return fresh


def build_transition(method: str, base: nn.Module, ratio: float, **options: Any) -> Transition:  # noqa: ANN401 - each method's own
    """A fresh transition of ``base`` to a level.

    Args:
        method: of a file in ``ftn_core/transitions``, as in ``params.yaml``.
        ratio: the level's sigma over the base's.
        options: the method's own, as in ``params.yaml``.
    """
    return load_class("ftn_core.transitions", method, Transition)(base, ratio, **options)


def convolutions(base: nn.Module, where: str = "all") -> list[str]:
    """Names of a network's convolutions: ``all``, or those of one part alone, as of its residual ``body``."""
    names = [name for name, module in base.named_modules() if isinstance(module, nn.Conv2d)]
    return names if where == "all" else [name for name in names if f"{name}.".startswith(f"{where}.")]


def look_farther(network: nn.Module, pixels: int) -> None:
    """Let a network's ``radius`` know of ``pixels`` that its body looks farther than before."""
    if network.radius is not None:
        network.radius += pixels * network.cell  # type: ignore[operator,assignment]


def rescaled(base: nn.Module, ratio: float) -> State:
    """The base's parameters, all but its filters times ``ratio``: a network that computes ``ratio * base(x / ratio)``.

    Networks of convolutions, ReLUs and skips are homogeneous, so that this is the base on the image with its contrast
    lowered until the noise is what it knows (docs/scale-mix.md).
    """
    filters = {f"{name}.weight" for name in convolutions(base)}
    return {n: p.detach() * (1 if n in filters else ratio) for n, p in base.named_parameters()}


def in_layout_of(filters: Tensor, like: Tensor) -> Tensor:
    """Filters in the memory layout of others."""
    last = like.is_contiguous(memory_format=torch.channels_last)
    return filters.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)
