"""The task of a network: which degradation it restores, and for which objectives it was trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel

from ftn_core.parameters.degradation import STEP_QUANTITIES
from ftn_core.parameters.losses import LossOptions
from ftn_core.parameters.quantities import SIGMA, Quantity, objective


@dataclass(frozen=True)
class DegradationSpec:
    """Names and options of a degradation's steps, in the form of ``degradation`` in ``params.yaml``."""

    steps: list[dict[str, Any]]

    @classmethod
    def of(cls, parameters: Sequence[BaseModel]) -> Self:
        """From the parsed parameters."""
        return cls([step.model_dump() for step in parameters])

    @property
    def varied(self) -> Quantity | None:
        """The quantity that a level sets; None if the degradation is the same at every level."""
        for step in self.steps:
            quantity = STEP_QUANTITIES[step["name"]]
            if step[quantity.name] == "level":
                return quantity
        return None

    @property
    def nothing(self) -> float | None:
        """The level at which a picture is not degraded.

        None: there is none, because the degradation has other steps, too, or is the same at every level.
        """
        return self.varied.nothing if self.varied and len(self.steps) == 1 else None

    @property
    def by_noise_alone(self) -> bool:
        """Whether noise is the only step and a level is its sigma. An image's level can then be estimated from it."""
        return len(self.steps) == 1 and self.varied is SIGMA

    @property
    def clips(self) -> bool:
        """Whether noise is the only step and is clipped to [0, 1]."""
        return len(self.steps) == 1 and bool(self.steps[0].get("clip"))

    def fresh_sigma(self, level: float) -> float | None:
        """The sigma at a level if training can draw the degradation anew for every batch.

        That is so for noise alone, and for no step at all (sigma 0). None: training reads a stored degraded set.
        """
        match self.steps:
            case []:
                return 0.0
            case [{"name": "noise", "sigma": sigma}]:
                return level if sigma == "level" else float(sigma)
        return None

    def ratio(self, level: float, base: float) -> float:
        """The level's sigma divided by the base's; 1 unless noise is the only step and a level is its sigma."""
        return level / base if self.by_noise_alone else 1.0


@dataclass(frozen=True)
class Task:
    """What a network is trained for.

    Args:
        degradation: as in ``params.yaml``.
        objectives: labels of the base's objective (``train.loss``) and of the adapted levels' (``finetune.loss``).
    """

    degradation: DegradationSpec
    objectives: tuple[str, str]

    @property
    def quantity(self) -> Quantity:
        """What a level measures: the quantity that the degradation varies or, if it varies none, the objective."""
        return self.degradation.varied or objective(*self.objectives)


def make_task(degradation: Sequence[BaseModel], base: LossOptions, adapted: LossOptions) -> Task:
    """From ``degradation``, ``train.loss`` and ``finetune.loss`` of the parameters."""
    return Task(DegradationSpec.of(degradation), (base.label, adapted.label))


DENOISING = Task(DegradationSpec([{"name": "noise", "sigma": "level", "clip": False}]), ("faithful", "faithful"))
"""White Gaussian noise of any sigma, restored by a pixel loss."""
