"""Stage ``calibrate@METHOD``: one method's levels as one denoiser, with the dial's position for each level."""

from ftn_core.parameters import Parameters
from ftn_core.utils.levels import chain_name
from tasks import paths
from tasks.dial import save_calibrated
from tasks.tracking.tracker import Tracker


def calibrate(params: Parameters, tracker: Tracker, method: str, chain: bool = False) -> None:
    """Assemble base and levels into one denoiser and calibrate its dial.

    Args:
        chain: the method's chain, which has the levels between, too.
    """
    files = [paths.adapted(method, level) for level in params.levels.adapted]
    if chain:
        files += [paths.adapted(chain_name(method), level) for level in params.levels.between]
    save_calibrated(params, tracker, chain_name(method) if chain else method, paths.BASE, files)
