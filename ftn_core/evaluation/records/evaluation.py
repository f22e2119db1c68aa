"""Scores of one method along its dial."""

from ftn_core.evaluation.records.record import Record
from ftn_core.evaluation.records.score import Score


class GridPoint(Record):
    """Scores at one dial position and one level."""

    level: float
    position: float
    psnr: float
    """In dB."""
    objective: float | None
    """As in ``Score``."""


class Smoothness(Record):
    """Describes the path that an image's restoration takes as the dial moves from one end to the other.

    The dial is sampled at evenly spaced positions. A step is the root mean square, over pixels and channels, of the
    change from one sample to the next, on the scale 0..255.
    """

    evenness: float
    """The mean step divided by the largest step: 1 if all steps are equal."""
    largest_jump: float
    """The largest step, on the scale 0..255."""
    monotonicity: float
    """The share of steps that lead away from the path's beginning: 1 if the path never comes back."""
    straightness: float
    """The distance from the path's beginning to its end, divided by the path's length: 1 for a straight line."""


class Evaluation(Record):
    """Scores of one method: a base with adapted levels and a dial.

    The ``.npz`` beside it holds crops of the first test image: ``restored``, at several dial positions,
    ``P x S x S x 3`` of uint8; ``positions``, the dial positions, ``P``; ``clean`` and ``degraded``, each
    ``S x S x 3`` of uint8.
    """

    name: str
    own_base: bool
    """Whether it has a base of its own and not that of the other rows."""
    trained: list[float]
    """The trained levels, the weakest first."""
    ends: tuple[float, float]
    """The levels at the dial's ends: nothing to do, if the dial reaches it, or the first trained one, and the last."""
    dial: list[tuple[float, float]]
    """Calibrated points: level and position (0 is the base, 1 the next stronger trained level, -1 the next weaker)."""
    blend: list[tuple[float, float]]
    """Calibrated weights of the network's output below the weakest trained level (ftn_core/denoiser/blend.py)."""
    scores: dict[float, Score]
    """By level, over all test images, at the level's dial position. Levels at position 0 are left out if the base is
    that of all rows."""
    grid: list[GridPoint]
    """The heat map, over the first few test images."""
    sheet_level: float
    """The level of the contact sheet's image."""
    smoothness: Smoothness
    """Measured on the contact sheet's image."""

    @property
    def whole(self) -> list[tuple[float, float]]:
        """``(level, position)`` of the dial's ends and of the trained levels, the weakest first."""
        return [(level, place) for level, place in self.dial if level in (*self.ends, *self.trained)]

    @property
    def base(self) -> float:
        """The base's level."""
        return next(level for level, place in self.whole if place == 0 and level in self.trained)
