"""What adapts a base network to one more level: one file a method, one small protocol (``transition.py``)."""

from collections.abc import Callable
from typing import Any

from torch import nn

from ftn_core.transitions.adafm import AdaFM
from ftn_core.transitions.cfsnet import CfsNet
from ftn_core.transitions.dni import Dni
from ftn_core.transitions.dynamic_net import DynamicNet
from ftn_core.transitions.ftn import Ftn
from ftn_core.transitions.scale_mix import ScaleMix
from ftn_core.transitions.transition import State, Transition

__all__ = ["TRANSITIONS", "State", "Transition", "build_transition"]

TRANSITIONS: dict[str, Callable[..., Transition]] = {
    "ftn": Ftn,
    "adafm": AdaFM,
    "dni": Dni,
    "scale_mix": ScaleMix,
    "cfsnet": CfsNet,
    "dynamic_net": DynamicNet,
}


def build_transition(method: str, base: nn.Module, ratio: float, **options: Any) -> Transition:  # noqa: ANN401 - each method's own
    """A fresh transition of ``base`` to a level; ``options`` are the method's own, as in ``params.yaml``.

    Args:
        ratio: the level's sigma over the base's.
    """
    return TRANSITIONS[method](base, ratio, **options)
