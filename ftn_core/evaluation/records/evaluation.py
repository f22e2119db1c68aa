"""Scores of one method along its dial."""

from ftn_core.evaluation.records.record import Record
from ftn_core.evaluation.records.score import Score


class GridPoint(Record):
    """One place of the dial at one level."""

    level: float
    position: float
    psnr: float
    """dB."""
    objective: float | None
    """As a ``Score`` has it."""


class Smoothness(Record):
    """The path that an image's restoration takes as the dial goes from the first level to the last at an even pace.

    A step is the root mean square, over pixels and channels, of the change from one sample of the dial to the next, on
    the scale 0..255.
    """

    evenness: float
    """Mean step over the largest: 1 where every step of the dial changes as much as every other."""
    largest_jump: float
    """The largest step, on the scale 0..255."""
    monotonicity: float
    """The share of steps that lead away from where the path began: 1 where it never goes back."""
    straightness: float
    """Distance from the path's beginning to its end over its length: 1 for a straight line."""


class Evaluation(Record):
    """One method's: a base with adapted levels and a dial.

    The ``.npz`` beside it holds ``restored``, the dial's samples on a crop of the first test image as ``P x S x S x 3``
    uint8; ``positions``, where the dial stood for each, ``P``; and ``clean`` and ``degraded``, ``S x S x 3`` uint8.
    """

    name: str
    trained: list[float]
    """Levels trained for, the base's first."""
    dial: list[tuple[float, float]]
    """Calibrated points: level and position (in trained levels: 0 is the base, 1 the first adapted level)."""
    scores: dict[float, Score]
    """By level, over all test images, at the position that the dial gives; not at position 0, which is the base."""
    grid: list[GridPoint]
    """The heat map, over the first of the test images."""
    sheet_level: float
    """Of the contact sheet's image."""
    smoothness: Smoothness
    """On the contact sheet's image."""
