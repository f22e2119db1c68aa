"""Sections ``train`` and ``finetune``: how long, how fast and on which crops networks are trained."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ftn_core.parameters.losses import LossOptions
from ftn_core.parameters.section import Float, Fraction, Section


class Schedule(Section):
    """The learning rate over the steps."""

    name: Literal["cosine", "step"] = Field(
        description="a half cosine to zero, or a tenth of the rate after each milestone"
    )
    warmup_steps: int = Field(ge=0, description="steps in which the rate rises from zero")
    milestones: list[Fraction] = Field(description="of `step`, as fractions of all steps")


class Optimisation(Section):
    """How long and how fast one network or transition is trained."""

    steps: int = Field(ge=1, description="batches")
    lr: Float = Field(gt=0, le=1, description="learning rate")
    batch_size: int = Field(ge=1, description="crops in a batch")
    crop: int = Field(ge=16, description="side of the square crops, in pixels")


class Train(Optimisation):
    """The base network's training, and the settings that finetuning shares."""

    start: str | None = Field(
        description="`photo`, `ffdnet` or a file in `weights/`, from whose weights base and lines start, at their "
        "levels; `network` must be the same; null: fresh ones"
    )
    optimizer: Literal["adam", "muon"] = Field(
        description="of networks from scratch and lines: Adam, or Muon for wide banks of filters and Adam for all "
        "else; finetuning takes Adam"
    )
    devices: int = Field(
        ge=1,
        description="GPUs (on a machine without one: processes) that share each batch of a network from scratch; "
        "divides `batch_size` ([more](machines.md#one-training-over-several-gpus-or-machines))",
    )
    loss: LossOptions = Field(description="what the base is trained for ([losses](losses.md))")
    schedule: Schedule
    noise: Literal["fresh", "fixed"] = Field(
        description="noise drawn anew for every batch, or the degraded set's own, as all other degradations have it"
    )
    permute_channels: bool = Field(
        description="shuffle the colours of each crop: few photographs do not show all colours"
    )
    precision: Literal["auto", "32-true", "bf16-mixed"] = Field(
        description="`auto`: bf16 where the processor has instructions for it, else 32 bits"
    )
    validations: int = Field(ge=1, description="how often a training is validated")
    val_images: int = Field(ge=1, description="on how many images at most")

    @model_validator(mode="after")
    def _equal_shares(self) -> Self:
        if self.batch_size % self.devices:
            raise ValueError(
                f"train.batch_size = {self.batch_size} cannot be shared equally by train.devices = {self.devices}: "
                "choose a multiple"
            )
        return self


class Line(Section):
    """The training of ``levels.lines``: of their base and their direction together."""

    lr: Float = Field(gt=0, le=1, description="learning rate")
    levels_per_step: int = Field(
        ge=1,
        description="how many levels are drawn for every batch, which is split evenly over them; divides "
        "`train.batch_size` (with `train.devices`: each process's share)",
    )
    draw_power: Float = Field(
        ge=0, lt=1, description="sigma is drawn with a density of sigma^-draw_power: 0 evenly, higher more weak noise"
    )
    teacher: Literal["ffdnet"] | None = Field(
        description="whose outputs lines of noise learn; null: the clean photographs"
    )


class Finetune(Section):
    """The adaptation of the base to one more level: settings that all methods share."""

    steps: int = Field(ge=1, description="batches for one level, the same for every method")
    batch_size: int = Field(ge=1, description="crops in a batch")
    crop: int = Field(ge=16, description="side of the square crops, in pixels")
    norm_batches: int = Field(ge=1, description="batches from which a level's batch-norm statistics are estimated")
    loss: LossOptions = Field(
        description="what adapted levels, and networks from scratch beside them, are trained for ([losses](losses.md))"
    )
