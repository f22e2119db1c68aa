"""Stage ``evaluate_chain@METHOD``: a chain's dial on test images alone."""

from ftn_core.parameters import Parameters
from ftn_core.utils.levels import chain_name
from tasks.evaluate import evaluate
from tasks.tracking.tracker import Tracker


def evaluate_chain(params: Parameters, tracker: Tracker, method: str) -> None:
    """Score a method with the levels between along its dial."""
    evaluate(params, tracker, chain_name(method))
