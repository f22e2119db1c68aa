"""Section ``transitions``: the options of each method, which are declared only here.

To add a method, write its class in ``ftn_core/transitions/NAME.py`` and its options here, and add them to
``AnyTransition``.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from ftn_core.parameters.section import Float, Section, in_order


class TransitionOptions(Section):
    """One row of the comparison: a method's options, and its training."""

    lr: Float = Field(gt=0, le=1, description="learning rate")
    supervision: Literal["level", "continuous"] = Field(
        description="trained at the level alone, or at every sigma up to it with alpha rising along"
    )

    def options(self) -> dict[str, Any]:
        """The arguments of the method's class."""
        return self.model_dump(exclude={"method", *TransitionOptions.model_fields})


class FtnOptions(TransitionOptions):
    """Filter Transition Network (arXiv 2010.02270)."""

    method: Literal["ftn"]
    groups: int = Field(ge=1, le=512, description="of its 1x1 convolutions; more groups, fewer parameters")
    biases: bool = Field(description="whether biases and norms are the level's own")


class AdaFMOptions(TransitionOptions):
    """AdaFM (arXiv 1904.08118)."""

    method: Literal["adafm"]
    kernel: Literal[1, 3, 5, 7] = Field(description="side of its depthwise filters")


class DniOptions(TransitionOptions):
    """DNI (arXiv 1811.10515): finetunes all parameters."""

    method: Literal["dni"]
    rescale: bool = Field(
        description="whether it starts from the base rescaled to the level ([our addition](scale-mix.md))"
    )


class ScaleMixOptions(TransitionOptions):
    """Our own method (docs/scale-mix.md)."""

    method: Literal["scale_mix"]
    mixes: int = Field(ge=0, le=64, description="pairs of channel mixes that the body's convolutions share")
    groups: int = Field(ge=1, le=512, description="of the channels that mix; more groups, fewer parameters")


class CfsNetOptions(TransitionOptions):
    """CFSNet (arXiv 1904.00634)."""

    method: Literal["cfsnet"]


class DynamicNetOptions(TransitionOptions):
    """Dynamic-Net (arXiv 1811.08760)."""

    method: Literal["dynamic_net"]
    after: list[Annotated[Float, Field(gt=0, le=1)]] = Field(
        min_length=1, description="after which of the body's blocks its tuning blocks are, as fractions of the blocks"
    )
    width: Float = Field(gt=0, le=8, description="channels of the tuning blocks, relative to the body's")

    @field_validator("after")
    @classmethod
    def _no_repeats(cls, after: list[float]) -> list[float]:
        return in_order(after)


AnyTransition = Annotated[
    FtnOptions | AdaFMOptions | DniOptions | ScaleMixOptions | CfsNetOptions | DynamicNetOptions,
    Field(discriminator="method"),
]
