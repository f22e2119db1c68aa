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
    feature: Weight = Field(description="weight of the distance of features")
    layers: list[Layer] = Field(min_length=1, description="layers of VGG16 whose features are compared")
    pixel: Weight = Field(description="weight of the squared error of pixels")
    total_variation: Weight = Field(description="weight of the mean difference of neighbouring pixels")

    @property
    def label(self) -> str:
        """One word for an end of the dial."""
        return "pleasing"


class StyleLossOptions(Section):
    """Weights of the terms of the style loss (arXiv 1603.08155): the content of an image in the style of another."""

    name: Literal["style"]
    image: str = Field(min_length=1, description="the style: a file in `styles/`")
    size: int = Field(ge=32, le=4096, description="pixels of its longer side, after it is resized")
    content: Weight = Field(description="weight of the distance of features")
    content_layer: Layer = Field(description="layer of VGG16 whose features are compared")
    style: Weight = Field(description="weight of the distance of Gram matrices")
    style_layers: list[Layer] = Field(min_length=1, description="layers whose Gram matrices are compared")
    total_variation: Weight = Field(description="weight of the mean difference of neighbouring pixels")

    @property
    def label(self) -> str:
        """The style image's name."""
        return Path(self.image).stem


LossOptions = Annotated[PixelLossOptions | PerceptualLossOptions | StyleLossOptions, Field(discriminator="name")]


class Features(Section):
    """VGG16's features, for the perceptual and style losses."""

    weights: str = Field(
        pattern=r"^[^/\\]+$",
        description="whose weights: `stlpips` (installed), `torchvision` (a download), or the name of a file in "
        "`features/`",
    )
