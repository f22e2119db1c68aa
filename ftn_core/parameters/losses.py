"""Sections ``train.loss``, ``finetune.loss`` and ``features``: what networks are trained for."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ftn_core.parameters.section import Float, Section


class PixelLossOptions(Section):
    """The mean absolute or squared error of pixels."""

    name: Literal["l1", "l2"]

    @property
    def label(self) -> str:
        """In a word, for the dial's end."""
        return "faithful"


Layer = Literal["relu1_2", "relu2_2", "relu3_3", "relu4_3"]
"""Of VGG16."""
Weight = Annotated[Float, Field(ge=0)]


class PerceptualLossOptions(Section):
    """Close to the clean image in VGG16's features (arXiv 1603.08155), and in pixels: weights of the terms."""

    name: Literal["perceptual"]
    feature: Weight
    layers: list[Layer] = Field(min_length=1)
    pixel: Weight
    total_variation: Weight

    @property
    def label(self) -> str:
        """In a word, for the dial's end."""
        return "pleasing"


class StyleLossOptions(Section):
    """The image's content in the style of another (arXiv 1603.08155): weights of the terms.

    ``image`` lies below ``styles/``; its longer side is made ``size`` pixels.
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
    """Where trained weights of VGG16 come from: ``torchvision``, ``stlpips``, or a file in ``features/``."""

    weights: str = Field(pattern=r"^[^/\\]+$")
