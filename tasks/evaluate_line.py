"""Stage ``evaluate_line@LEVEL``: a line along its dial, on the test images."""

from ftn_core.parameters import Parameters
from ftn_core.utils.levels import line_name
from tasks.evaluate import evaluate
from tasks.tracking.tracker import Tracker


def evaluate_line(params: Parameters, tracker: Tracker, level: float) -> None:
    """Score a line along its dial, at its own base, too."""
    evaluate(params, tracker, line_name(level), own_base=True)
