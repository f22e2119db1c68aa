"""What adapts a base network to one more level: one file a method, one small protocol.

A transition is a module that is built from the base and whose ``forward`` takes the base's named parameters and
returns those that differ at the level. So the same object serves finetuning (called in every step, with gradients)
and inference (called once, then folded).
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from ftn_core.transitions.ftn import Ftn

State = dict[str, Tensor]
"""Parameters and buffers by the base's names."""

TRANSITIONS: dict[str, Callable[..., nn.Module]] = {"ftn": Ftn}


def build_transition(method: str, base: nn.Module, **options: Any) -> nn.Module:  # noqa: ANN401 - each method's own
    """A transition of ``base`` that starts as the identity; ``options`` as in ``params.yaml``'s ``finetune``."""
    return TRANSITIONS[method](base, **options)
