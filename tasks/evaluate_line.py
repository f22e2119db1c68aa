"""Stage ``evaluate_line@LEVEL``: a line along its dial, on the test images."""

from ftn_core.parameters import Parameters
from tasks import paths
from tasks.evaluate import evaluate
from tasks.tracking.tracker import Tracker


def evaluate_line(params: Parameters, tracker: Tracker, level: float) -> None:
    """Score a line along its dial, at its own base, too."""
    evaluate(params, tracker, paths.line(level), own_base=True)
