"""What a denoiser is for, as its file says it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from ftn_core.degradations import Degradation
from ftn_core.parameters import Loss
from ftn_core.units import Unit, objective


@dataclass(frozen=True)
class Task:
    """What a network is trained for: specs of the degradation's steps, and labels of the base's and levels' objectives.

    As in ``params.yaml``: ``degradation``, and the labels of ``train.loss`` and ``finetune.loss``.
    """

    degradation: list[dict[str, Any]]
    objectives: tuple[str, str]

    @cached_property
    def degrade(self) -> Degradation:
        """The degradation itself."""
        return Degradation.build(self.degradation)

    @property
    def unit(self) -> Unit:
        """What levels are measured in: what the degradation goes by or, where it stays the same, the objective."""
        return self.degrade.unit or objective(*self.objectives)


def make_task(degradation: Sequence[BaseModel], base: Loss, adapted: Loss) -> Task:
    """From ``degradation``, ``train.loss`` and ``finetune.loss`` of the parameters."""
    return Task([step.model_dump() for step in degradation], (base.label, adapted.label))


DENOISING = Task([{"name": "noise", "sigma": "level", "clip": False}], ("faithful", "faithful"))
"""White Gaussian noise of any sigma, restored by a pixel loss."""
