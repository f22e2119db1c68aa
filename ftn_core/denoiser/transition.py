"""The interface of all methods that adapt a base network to a level, and helpers for them."""

from collections.abc import Mapping, Set
from typing import Any, Self

import torch
from torch import Tensor, nn

from ftn_core.utils.plugins import load_class

State = dict[str, Tensor]
"""Parameters and buffers, by their names in the base."""


class Transition(nn.Module):
    """Adapts a base network to one more level.

    It is built from the base and the level's ratio (the level's sigma divided by the base's). It starts at the base
    itself, or at the best known guess. ``forward`` takes the base's named parameters and returns those that differ at
    the level. Finetuning calls it in every step, with gradients; inference calls it once and folds the result. The dial
    interpolates between the base's parameters and these.
    """

    constant: Set[str] = frozenset()
    """Names of parameters that the level adds to the base and the dial does not change."""

    def extend(self, network: nn.Module) -> nn.Module:
        """The base with the layers that the level adds. It computes the same. Most methods add none."""
        return network

    def forward(self, state: Mapping[str, Tensor]) -> State:
        raise NotImplementedError

    def at_base(self, fresh: Self) -> Self:
        """The transition that gives the base itself, so that the dial can interpolate from it to this one.

        Args:
            fresh: an untrained transition of the same method and options.
        """
        return fresh


def build_transition(method: str, base: nn.Module, ratio: float, **options: Any) -> Transition:  # noqa: ANN401 - each method's own
    """An untrained transition of ``base`` to a level.

    Args:
        method: name of a file in ``ftn_core/transitions``, as in ``params.yaml``.
        ratio: the level's sigma divided by the base's.
        options: the method's own, as in ``params.yaml``.
    """
    return load_class("ftn_core.transitions", method, Transition)(base, ratio, **options)


def convolutions(base: nn.Module, where: str = "all") -> list[str]:
    """Names of a network's convolutions: ``all``, or those in one part, such as its ``body``."""
    names = [name for name, module in base.named_modules() if isinstance(module, nn.Conv2d)]
    return names if where == "all" else [name for name in names if f"{name}.".startswith(f"{where}.")]


def extend_receptive_field(network: nn.Module, pixels: int) -> None:
    """Add to a network's ``radius`` the ``pixels`` of its body by which a new layer extends its receptive field."""
    if network.radius is not None:
        network.radius += pixels * network.cell  # type: ignore[operator,assignment]


def rescaled(base: nn.Module, ratio: float) -> State:
    """The base's parameters, with all but the filters multiplied by ``ratio``.

    Networks of convolutions, ReLUs and skips are homogeneous, so the result computes ``ratio * base(x / ratio)``: the
    base sees the image with its contrast lowered until the noise has the base's sigma (docs/scale-mix.md).
    """
    filters = {f"{name}.weight" for name in convolutions(base)}
    return {n: p.detach() * (1 if n in filters else ratio) for n, p in base.named_parameters()}


def match_memory_format(filters: Tensor, like: Tensor) -> Tensor:
    """``filters`` in the memory format of ``like``."""
    last = like.is_contiguous(memory_format=torch.channels_last)
    return filters.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)
