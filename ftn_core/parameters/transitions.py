"""Section ``transitions``: the options of each method, which are declared only here.

To add a method, write its class in ``ftn_core/transitions/NAME.py`` and its options here, and add them to
``AnyTransition``.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from ftn_core.parameters.section import Float, Section, in_order


class TransitionOptions(Section):
    """One row of the comparison: a method's options, and its training.

    ``supervision``: ``level`` trains at the level alone, ``continuous`` at levels drawn between the base's and it.
    """

    lr: Float = Field(gt=0, le=1)
    supervision: Literal["level", "continuous"]

    def options(self) -> dict[str, Any]:
        """The arguments of the method's class."""
        return self.model_dump(exclude={"method", *TransitionOptions.model_fields})


class FtnOptions(TransitionOptions):
    """Filter Transition Network (arXiv 2010.02270): groups of its 1x1 convolutions, and whether biases change."""

    method: Literal["ftn"]
    groups: int = Field(ge=1, le=512)
    biases: bool


class AdaFMOptions(TransitionOptions):
    """AdaFM (arXiv 1904.08118): the side of its depthwise filters."""

    method: Literal["adafm"]
    kernel: Literal[1, 3, 5, 7]


class DniOptions(TransitionOptions):
    """DNI (arXiv 1811.10515): finetunes all parameters, from the base or (our addition) from the rescaled base."""

    method: Literal["dni"]
    rescale: bool


class ScaleMixOptions(TransitionOptions):
    """Our own method (docs/scale-mix.md): number of pairs of shared channel mixes, and of groups of channels."""

    method: Literal["scale_mix"]
    mixes: int = Field(ge=0, le=64)
    groups: int = Field(ge=1, le=512)


class CfsNetOptions(TransitionOptions):
    """CFSNet (arXiv 1904.00634)."""

    method: Literal["cfsnet"]


class DynamicNetOptions(TransitionOptions):
    """Dynamic-Net (arXiv 1811.08760): the places of its tuning blocks in the body, and their relative width."""

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
