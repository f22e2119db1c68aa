"""Stage ``calibrate_chain@METHOD``: as ``calibrate``, with the levels between."""

from ftn_core.parameters import Parameters
from tasks.calibrate import calibrate
from tasks.tracking.tracker import Tracker


def calibrate_chain(params: Parameters, tracker: Tracker, method: str) -> None:
    """Assemble base, levels and levels between into one denoiser and calibrate its dial."""
    calibrate(params, tracker, method, chain=True)
