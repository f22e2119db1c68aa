"""Sections ``train`` and ``finetune``: how long, how fast and on which crops networks are trained."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ftn_core.parameters.losses import LossOptions
from ftn_core.parameters.section import Float, Fraction, Section


class Schedule(Section):
    """The learning rate over the steps: a half cosine to zero, or a tenth of the rate after each milestone.

    ``milestones`` are fractions of all steps.
    """

    name: Literal["cosine", "step"]
    warmup_steps: int = Field(ge=0)
    milestones: list[Fraction]


class Optimisation(Section):
    """How long and how fast one network or transition is trained."""

    steps: int = Field(ge=1)
    lr: Float = Field(gt=0, le=1)
    batch_size: int = Field(ge=1)
    crop: int = Field(ge=16)


class Train(Optimisation):
    """The base network's training, and the settings that finetuning shares.

    ``start``: a released model, or a file in ``weights/``, from whose weights base and lines start; None: fresh ones.
    ``optimizer``: Adam, or Muon for filters and Adam for all else; finetuning always takes Adam. ``devices``: how many
    GPUs train a network from scratch together; on a machine without a GPU, how many processes.
    """

    start: str | None
    optimizer: Literal["adam", "muon"]
    devices: int = Field(ge=1)
    loss: LossOptions
    schedule: Schedule
    noise: Literal["fresh", "fixed"]
    permute_channels: bool
    precision: Literal["auto", "32-true", "bf16-mixed"]
    validations: int = Field(ge=1)
    val_images: int = Field(ge=1)

    @model_validator(mode="after")
    def _equal_shares(self) -> Self:
        if self.batch_size % self.devices:
            raise ValueError(
                f"train.batch_size = {self.batch_size} cannot be shared equally by train.devices = {self.devices}: "
                "choose a multiple"
            )
        return self


class Line(Section):
    """The training of ``levels.lines``: of their base and their direction together.

    ``levels_per_step``: how many levels are drawn for every batch, which is split evenly over them. ``draw_power``:
    sigma is drawn with a density of ``sigma ** -draw_power``. ``teacher``: whose outputs are learned; None: the clean
    photographs.
    """

    lr: Float = Field(gt=0, le=1)
    levels_per_step: int = Field(ge=1)
    draw_power: Float = Field(ge=0, lt=1)
    teacher: Literal["ffdnet"] | None


class Finetune(Section):
    """The adaptation of the base to one more level: settings that all methods share."""

    steps: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    crop: int = Field(ge=16)
    norm_batches: int = Field(ge=1)
    loss: LossOptions
