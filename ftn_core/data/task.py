"""What a denoiser is for, as its file says it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel

from ftn_core.parameters.degradation import STEP_QUANTITIES
from ftn_core.parameters.losses import LossOptions
from ftn_core.parameters.quantities import SIGMA, Quantity, objective


@dataclass(frozen=True)
class DegradationSpec:
    """Names and options of a degradation's steps, as ``degradation`` of ``params.yaml`` has them."""

    steps: list[dict[str, Any]]

    @classmethod
    def of(cls, parameters: Sequence[BaseModel]) -> Self:
        """From the parameters as they were read."""
        return cls([step.model_dump() for step in parameters])

    @property
    def varied(self) -> Quantity | None:
        """The quantity that a level sets; None: every level is degraded alike."""
        for step in self.steps:
            quantity = STEP_QUANTITIES[step["name"]]
            if step[quantity.name] == "level":
                return quantity
        return None

    @property
    def by_noise_alone(self) -> bool:
        """Whether a level is the sigma of noise and nothing else happens: it can then be estimated from an image."""
        return len(self.steps) == 1 and self.varied is SIGMA

    @property
    def clips(self) -> bool:
        """Whether the noise, where that is all, is clipped to [0, 1]."""
        return len(self.steps) == 1 and bool(self.steps[0].get("clip"))

    def fresh_sigma(self, level: float) -> float | None:
        """The sigma of what can be made anew for every batch: noise alone, or nothing at all; None: it is stored."""
        match self.steps:
            case []:
                return 0.0
            case [{"name": "noise", "sigma": sigma}]:
                return level if sigma == "level" else float(sigma)
        return None

    def ratio(self, level: float, base: float) -> float:
        """The level's sigma over the base's; 1 where the level is not the sigma of noise alone."""
        return level / base if self.by_noise_alone else 1.0


@dataclass(frozen=True)
class Task:
    """What a network is trained for: the degradation, and labels of the base's and the levels' objectives.

    As in ``params.yaml``: ``degradation``, and the labels of ``train.loss`` and ``finetune.loss``.
    """

    degradation: DegradationSpec
    objectives: tuple[str, str]

    @property
    def quantity(self) -> Quantity:
        """What a level measures: what the degradation varies by or, where it stays the same, the objective."""
        return self.degradation.varied or objective(*self.objectives)


def make_task(degradation: Sequence[BaseModel], base: LossOptions, adapted: LossOptions) -> Task:
    """From ``degradation``, ``train.loss`` and ``finetune.loss`` of the parameters."""
    return Task(DegradationSpec.of(degradation), (base.label, adapted.label))


DENOISING = Task(DegradationSpec([{"name": "noise", "sigma": "level", "clip": False}]), ("faithful", "faithful"))
"""White Gaussian noise of any sigma, restored by a pixel loss."""
