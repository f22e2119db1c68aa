"""Stage ``finetune_between@METHOD-LEVEL``: a chain's levels between, starting from the method's dial."""

from ftn_core.parameters import Parameters
from tasks.finetune import finetune
from tasks.tracking.tracker import Tracker


def finetune_between(params: Parameters, tracker: Tracker, method: str, level: float) -> None:
    """Train a transition to a level between trained ones, starting from the method's dial."""
    finetune(params, tracker, method, level, between=True)
