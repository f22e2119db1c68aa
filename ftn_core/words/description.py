"""A degradation in words."""

from ftn_core.degradations.degradation import Degradation
from ftn_core.words.labels import phrase


def describe(degradation: Degradation) -> str:
    """For model cards and the page: ``JPEG compression at quality 40, then ...``; empty if there are no steps."""
    return ", then ".join(
        step.words if step.fixed is None else f"{step.words} at {phrase(step.quantity, step.fixed)}"
        for step in degradation.steps
    )
