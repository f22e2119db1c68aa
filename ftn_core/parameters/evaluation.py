"""Sections ``evaluate``, ``register`` and ``gate``: what is measured, and what is registered."""

from pydantic import Field

from ftn_core.parameters.section import Float, Section


class Evaluate(Section):
    """How finely the dial is sampled, and on how many images.

    ``alphas``: steps of the heat map from one trained level to the next. ``images``: test images for the heat map.
    ``calibration_images``: validation images for the calibration. The table always uses all test images.
    """

    alphas: int = Field(ge=1, le=100)
    images: int = Field(ge=1)
    calibration_images: int = Field(ge=1)


class Register(Section):
    """The model's name in the MLflow registry, and the row that is registered; None: the first method's."""

    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    row: str | None


class Gate(Section):
    """Bounds that a model must keep to become champion automatically. The rules are in ftn_core/evaluation/gate.py.

    ``min_gain``: dB above the degraded input, at every level from the first trained one to the last. ``max_harm``: dB
    that the model may be below the degraded input, at every level of the dial. ``tolerance``: dB that the model may be
    below the champion, at every level. ``min_evenness``: of the dial. ``max_megabytes``: of the file. ``max_time``: of
    a pass, relative to the base network's. ``images``: both models are scored on at most so many test images.
    """

    min_gain: Float
    max_harm: Float = Field(ge=0)
    tolerance: Float = Field(ge=0)
    min_evenness: Float = Field(ge=0, le=1)
    max_megabytes: Float = Field(gt=0)
    max_time: Float = Field(gt=0)
    images: int = Field(ge=1)
