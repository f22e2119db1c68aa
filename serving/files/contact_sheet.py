"""A contact sheet: one picture at several positions of the dial, side by side."""

from collections.abc import Callable

import numpy as np

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from serving.files.bands import restore_in_bands
from serving.files.pictures import Picture, PixelArray

STOPS = 5

# For each EXIF orientation: the axis of the stored pixels along which the parts are joined, and 1 or -1 for their
# order, so that a viewer that applies the orientation shows them from left to right.
_JOIN = {1: (1, 1), 2: (1, -1), 3: (1, -1), 4: (1, 1), 5: (0, 1), 6: (0, -1), 7: (0, -1), 8: (0, 1)}


def stop_positions(denoiser: ContinuousDenoiser) -> list[float]:
    """``STOPS`` even positions over the whole dial; without its beginning where that leaves a picture as it is."""
    positions = np.linspace(*denoiser.span, STOPS if denoiser.nothing is None else STOPS + 1)
    return [float(x) for x in positions[-STOPS:]]


def contact_sheet(
    denoiser: ContinuousDenoiser, picture: Picture, progress: Callable[[int], None] = lambda rows: None
) -> PixelArray:
    """The picture as it is, then restored at each stop, from left to right in a viewer that turns it upright.

    Args:
        progress: called with the number of rows that are done, those of earlier stops included.
    """
    parts = [picture.pixels]
    network = None
    for i, position in enumerate(stop_positions(denoiser)):
        network = denoiser.fold(position, network)
        parts.append(restore_in_bands(network, picture, _after(i * len(picture.pixels), progress)))
    axis, order = _JOIN.get(picture.orientation, (1, 1))
    return np.concatenate(parts[::order], axis=axis)


def _after(earlier: int, progress: Callable[[int], None]) -> Callable[[int], None]:
    return lambda rows: progress(earlier + rows)
