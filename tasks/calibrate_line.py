"""Stage ``calibrate_line@LEVEL``: a line as one denoiser, with the dial's position for each level."""

from ftn_core.parameters import Parameters
from ftn_core.utils.levels import line_name
from tasks import paths
from tasks.dial import save_calibrated
from tasks.tracking.tracker import Tracker


def calibrate_line(params: Parameters, tracker: Tracker, level: float) -> None:
    """Assemble both ends of a line into one denoiser and calibrate its dial."""
    save_calibrated(params, tracker, line_name(level), paths.line_base(level), [paths.line_end(level)])
