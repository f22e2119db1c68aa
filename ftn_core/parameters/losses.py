"""Sections ``train.loss``, ``finetune.loss`` and ``features``: the losses of trainings."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ftn_core.parameters.section import Float, Section


class PixelLossOptions(Section):
    """The mean absolute or squared error of pixels."""

    name: Literal["l1", "l2"]

    @property
    def label(self) -> str:
        """One word for an end of the dial."""
        return "faithful"


Layer = Literal["relu1_2", "relu2_2", "relu3_3", "relu4_3"]
"""A layer of VGG16."""
Weight = Annotated[Float, Field(ge=0)]


class PerceptualLossOptions(Section):
    """Weights of the terms of the perceptual loss (arXiv 1603.08155): close in VGG16's features and in pixels."""

    name: Literal["perceptual"]
    feature: Weight
    layers: list[Layer] = Field(min_length=1)
    pixel: Weight
    total_variation: Weight

    @property
    def label(self) -> str:
        """One word for an end of the dial."""
        return "pleasing"


class StyleLossOptions(Section):
    """Weights of the terms of the style loss (arXiv 1603.08155): the content of an image in the style of another.

    ``image`` is a file below ``styles/``. It is resized so that its longer side has ``size`` pixels.
    """

    name: Literal["style"]
    image: str = Field(min_length=1)
    size: int = Field(ge=32, le=4096)
    content: Weight
    content_layer: Layer
    style: Weight
    style_layers: list[Layer] = Field(min_length=1)
    total_variation: Weight

    @property
    def label(self) -> str:
        """The style image's name."""
        return Path(self.image).stem


LossOptions = Annotated[PixelLossOptions | PerceptualLossOptions | StyleLossOptions, Field(discriminator="name")]


class Features(Section):
    """The source of VGG16's trained weights: ``torchvision``, ``stlpips``, or the name of a file in ``features/``."""

    weights: str = Field(pattern=r"^[^/\\]+$")
