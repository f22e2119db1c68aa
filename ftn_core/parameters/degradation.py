"""Section ``degradation``: the steps that are applied to a photograph."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ftn_core.parameters.quantities import GRAIN, QUALITY, SCALE, SIGMA, Quantity
from ftn_core.parameters.section import Float, Section


class NoiseOptions(Section):
    """White Gaussian noise."""

    quantity: ClassVar[Quantity] = SIGMA
    name: Literal["noise"]
    sigma: Float | Literal["level"] = Field(description="standard deviation, above 0 to 2, for images from 0 to 1")
    clip: bool = Field(description="whether the noisy image is clipped to [0, 1]")


class SensorOptions(Section):
    """A camera's shot and read noise, demosaicked."""

    quantity: ClassVar[Quantity] = GRAIN
    name: Literal["sensor"]
    grain: Float | Literal["level"] = Field(description="standard deviation on mid-grey, above 0 to 1")


class JpegOptions(Section):
    """JPEG compression."""

    quantity: ClassVar[Quantity] = QUALITY
    name: Literal["jpeg"]
    quality: int | Literal["level"] = Field(description="as JPEG files have it, 1 to 100")


class DownscalingOptions(Section):
    """Bicubic downscaling, and upscaling to the old size."""

    quantity: ClassVar[Quantity] = SCALE
    name: Literal["downscaling"]
    scale: Float | Literal["level"] = Field(description="the factor, above 1 to 16")


StepOptions = Annotated[NoiseOptions | SensorOptions | JpegOptions | DownscalingOptions, Field(discriminator="name")]

STEP_QUANTITIES: dict[str, Quantity] = {"noise": SIGMA, "sensor": GRAIN, "jpeg": QUALITY, "downscaling": SCALE}
"""By a step's name, the quantity of its strength. The quantity's name is the key of the strength."""
