"""One picture at several positions of the dial, side by side."""

from collections.abc import Callable

import numpy as np

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from serving.files.bands import restored
from serving.files.pictures import Picture, Pixels

STOPS = 5

# for each EXIF orientation: the stored axis along which upright pictures lie side by side, and whether backwards
_LAID = {1: (1, 1), 2: (1, -1), 3: (1, -1), 4: (1, 1), 5: (0, 1), 6: (0, -1), 7: (0, -1), 8: (0, 1)}


def positions(denoiser: ContinuousDenoiser) -> list[float]:
    """``STOPS`` positions over the whole dial, its ends included."""
    return [float(x) for x in np.linspace(0, len(denoiser.levels), STOPS)]


def strip(denoiser: ContinuousDenoiser, picture: Picture, tell: Callable[[int], None] = lambda row: None) -> Pixels:
    """The picture as it is, then restored at each position, from left to right for whoever turns it upright.

    Args:
        tell: called with the number of rows that are done, those of earlier positions included.
    """
    parts = [picture.pixels]
    network = None
    for i, position in enumerate(positions(denoiser)):
        network = denoiser.fold(position, network)
        parts.append(restored(network, picture, _after(i * len(picture.pixels), tell)))
    axis, step = _LAID.get(picture.orientation, (1, 1))
    return np.concatenate(parts[::step], axis=axis)


def _after(rows: int, tell: Callable[[int], None]) -> Callable[[int], None]:
    return lambda row: tell(rows + row)
