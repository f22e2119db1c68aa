"""Sections ``evaluate``, ``register`` and ``gate``: what is measured, and what is registered."""

from pydantic import Field

from ftn_core.parameters.section import Float, Section


class Evaluate(Section):
    """How finely the dial is sampled from one level to the next, and on how many images beside the table's.

    ``images``: the first of the test images, for the heat map; ``calibration_images``: of the validation images.
    """

    alphas: int = Field(ge=1, le=100)
    images: int = Field(ge=1)
    calibration_images: int = Field(ge=1)


class Register(Section):
    """The name under which the model stands in the MLflow registry."""

    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")


class Gate(Section):
    """What a model must keep to before it becomes champion by itself: ftn_core/evaluation/gate.py has the rules.

    ``min_gain``: dB above the degraded input at every level from the first trained one to the last; ``tolerance``: dB
    below the champion at most, at every level; ``min_evenness``: of the dial; ``max_megabytes``: of the file;
    ``max_time``: of a pass, beside the base network's. ``images``: test images at most on which both models are scored.
    """

    min_gain: Float
    tolerance: Float = Field(ge=0)
    min_evenness: Float = Field(ge=0, le=1)
    max_megabytes: Float = Field(gt=0)
    max_time: Float = Field(gt=0)
    images: int = Field(ge=1)
