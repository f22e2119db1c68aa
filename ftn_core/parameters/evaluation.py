"""Sections ``evaluate``, ``register`` and ``gate``: what is measured, and what is registered."""

from pydantic import Field

from ftn_core.parameters.section import Float, Section


class Evaluate(Section):
    """How finely the dial is sampled, and on how many images. The table of results always uses all test images."""

    alphas: int = Field(ge=1, le=100, description="samples of the dial from one trained level to the next")
    images: int = Field(ge=1, description="test images of the heat map at most")
    calibration_images: int = Field(ge=1, description="validation images at most, on which the dial is calibrated")


class Register(Section):
    """What is registered, and under which name."""

    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="the model's name in the MLflow registry")
    row: str | None = Field(
        description="which row: `NAME`, `NAME-chain` or `line-LEVEL`; null: the first of `levels.methods`"
    )


class Gate(Section):
    """Bounds that a model must keep to become champion automatically. The rules are in ftn_core/evaluation/gate.py."""

    min_gain: Float = Field(description="dB above the degraded input at least, at every level from first to last")
    max_harm: Float = Field(ge=0, description="dB below the degraded input at most, at every level of the dial")
    tolerance: Float = Field(ge=0, description="dB below the champion at most, at every level, on the same images")
    min_evenness: Float = Field(ge=0, le=1, description="of the dial: its mean step over the largest")
    max_megabytes: Float = Field(gt=0, description="of the model's file")
    max_time: Float = Field(gt=0, description="of a pass, relative to the base network's")
    images: int = Field(ge=1, description="test images at most, on which model and champion are scored")
