"""The plan of a training: steps, batches and learning rate."""

import math
from dataclasses import dataclass
from typing import Literal

from ftn_core.parameters.training import Schedule


@dataclass(frozen=True)
class Plan:
    """Steps, batches and learning rate of one training.

    Args:
        lr: the learning rate after the warm-up.
        crop: height and width of the crops, in pixels.
        optimizer: Adam, or Muon for filters and Adam for all else (muon.py).
        validations: how many times the network is validated, at evenly spaced steps.
    """

    steps: int
    lr: float
    batch_size: int
    crop: int
    schedule: Schedule
    validations: int
    optimizer: Literal["adam", "muon"] = "adam"

    def learning_rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0: a linear warm-up, multiplied by the schedule."""
        warmup = min(1.0, (step + 1) / (self.schedule.warmup_steps + 1))
        done = step / self.steps
        if self.schedule.name == "cosine":
            return self.lr * warmup * (1 + math.cos(math.pi * done)) / 2
        return self.lr * warmup * 0.1 ** sum(done >= milestone for milestone in self.schedule.milestones)

    @property
    def validate_after(self) -> set[int]:
        """The numbers of finished steps after which the network is validated, including the last."""
        return {math.ceil(self.steps * (i + 1) / self.validations) for i in range(self.validations)}
