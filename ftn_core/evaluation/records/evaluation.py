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
    """Describes the path that an image's restoration takes as the dial moves from the first level to the last.

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
    """The trained levels, the base's first."""
    dial: list[tuple[float, float]]
    """Calibrated points: level and position (0 is the base, 1 the first adapted level)."""
    scores: dict[float, Score]
    """By level, over all test images, at the level's dial position. Levels at position 0 are left out if the base is
    that of all rows."""
    grid: list[GridPoint]
    """The heat map, over the first few test images."""
    sheet_level: float
    """The level of the contact sheet's image."""
    smoothness: Smoothness
    """Measured on the contact sheet's image."""
