"""What adapts a base network to one more level: one file a method, one small protocol.

A transition maps the base's state to the level's. It is an ``nn.Module`` whose ``forward`` takes the base's named
parameters and returns those that differ at the level, so the same object serves finetuning (called in every step,
with gradients) and inference (called once, then folded).
"""

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor, nn

from ftn_core.transitions.ftn import Ftn

State = dict[str, Tensor]


class Transition(Protocol):
    """A method that adapts ``base`` to a level; see ``ftn_core/transitions/ftn.py`` for one."""

    def __init__(self, base: nn.Module, **options: Any) -> None: ...  # noqa: ANN401 - each method's own

    def __call__(self, state: Mapping[str, Tensor]) -> State:
        """The level's own parameters, by the base's names, from the base's parameters."""
        ...


TRANSITIONS: dict[str, type[Ftn]] = {"ftn": Ftn}


def build_transition(method: str, base: nn.Module, **options: Any) -> Ftn:  # noqa: ANN401 - each method's own
    """A transition of ``base`` that starts as the identity; ``options`` as in ``params.yaml``'s ``finetune``."""
    return TRANSITIONS[method](base, **options)
