"""Section ``transitions``: the options of each method, declared here alone.

To add a method: its class in ``ftn_core/transitions/NAME.py``, its options here, and their name in ``AnyTransition``.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from ftn_core.parameters.section import Float, Section, in_order


class TransitionOptions(Section):
    """One row of the comparison: a method with its options, and how it is trained."""

    lr: Float = Field(gt=0, le=1)
    supervision: Literal["level", "continuous"]

    def options(self) -> dict[str, Any]:
        """What the method itself is built with."""
        return self.model_dump(exclude={"method", *TransitionOptions.model_fields})


class FtnOptions(TransitionOptions):
    """Filter Transition Network (arXiv 2010.02270): its 1x1 convolutions, and which convolutions have one."""

    method: Literal["ftn"]
    groups: int = Field(ge=1, le=512)
    layers: Literal[2, 3]
    where: Literal["all", "body"]
    biases: bool


class AdaFMOptions(TransitionOptions):
    """AdaFM (arXiv 1904.08118): side of its depthwise filters."""

    method: Literal["adafm"]
    kernel: Literal[1, 3, 5, 7]


class DniOptions(TransitionOptions):
    """DNI (arXiv 1811.10515): everything is fine-tuned, from the base or (ours) from the base rescaled to the level."""

    method: Literal["dni"]
    rescale: bool


class ScaleMixOptions(TransitionOptions):
    """Our own (docs/scale-mix.md): pairs of shared channel mixes, and groups of channels that mix."""

    method: Literal["scale_mix"]
    mixes: int = Field(ge=0, le=64)
    groups: int = Field(ge=1, le=512)


class CfsNetOptions(TransitionOptions):
    """CFSNet (arXiv 1904.00634)."""

    method: Literal["cfsnet"]


class DynamicNetOptions(TransitionOptions):
    """Dynamic-Net (arXiv 1811.08760): where in the body its tuning blocks are, and their width beside the body's."""

    method: Literal["dynamic_net"]
    after: list[Annotated[Float, Field(gt=0, le=1)]] = Field(min_length=1)
    width: Float = Field(gt=0, le=8)

    @field_validator("after")
    @classmethod
    def _no_repeats(cls, after: list[float]) -> list[float]:
        return in_order(after)


AnyTransition = Annotated[
    FtnOptions | AdaFMOptions | DniOptions | ScaleMixOptions | CfsNetOptions | DynamicNetOptions,
    Field(discriminator="method"),
]
