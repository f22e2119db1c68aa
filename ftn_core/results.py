"""What an evaluation found, as it lies in ``results/``: JSON for numbers, beside it one ``.npz`` for pictures.

Written by the stages that measure and read by the one that draws, so that a better figure needs no new measurement.
"""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from ftn_core.metrics import Score


class Record(BaseModel):
    """Numbers that are written once and read by others."""

    # where nothing was taken away from an image, its PSNR has no end
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")

    def write(self, path: Path) -> None:
        """As JSON, the same bytes for the same values."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """What ``write`` wrote."""
        return cls.model_validate_json(path.read_text())


class GridPoint(Record):
    """One place of the dial at one level."""

    level: float
    position: float
    psnr: float
    """dB."""
    objective: float | None
    """As a ``Score`` has it."""


class Smoothness(Record):
    """The path that an image's restoration takes while the dial turns from the first level to the last, evenly.

    A step is the root mean square, over pixels and channels, of the change from one sample of the dial to the next, on
    the scale 0..255.
    """

    evenness: float
    """Mean step over the largest: 1 where every turn of the dial changes as much as every other."""
    largest_jump: float
    """The largest step, on the scale 0..255."""
    monotonicity: float
    """The share of steps that lead away from where the path began: 1 where it never turns back."""
    straightness: float
    """Distance from the path's beginning to its end over its length: 1 for a straight line."""


class Evaluation(Record):
    """One method's: a base with adapted levels and a dial.

    The ``.npz`` beside it holds ``strip``, the dial's samples on a crop of the first test image as ``P x S x S x 3``
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
    strip_level: float
    """Of the strip's image."""
    smoothness: Smoothness
    """On the strip's image."""


class References(Record):
    """What the methods are held against: by row's name, by level."""

    scores: dict[str, dict[float, Score]]
    """A from-scratch network or the base has a score at every level; `from_scratch` below says which are its own."""
    from_scratch: dict[float, str]
    """By level the row of the network trained for it alone; the base's own level included."""
    level_input: list[str]
    """Rows of networks that are told sigma."""


class Cost(Record):
    """What a method costs beside its base."""

    parameters: int
    """Of one network, ready to run at one place of the dial."""
    extra_parameters: float
    """Learned for one adapted level (the mean over levels), as a fraction of the base's."""
    multiply_adds: int
    """Of one pass over 256 x 256 pixels."""
    turn_multiply_adds: int
    """Of computing an adapted level's weights, once; then turning the dial is one interpolation of the weights."""
    time: float
    """Of one pass, beside the base's in the same run: a median of ratios."""
    time_spread: float
    """Half the interquartile range of those ratios."""


class Costs(Record):
    """By row's name, the base's own first."""

    of: dict[str, Cost]


class FilterChanges(Record):
    """How one method moved the base's filters to one level.

    DNI's analysis (arXiv 1811.10515, section 3): the correlation of each filter ``Cin x k x k`` with the base's of the
    same place, averaged over a convolution's filters.
    """

    name: str
    level: float
    correlation: dict[str, float]
    """By convolution, in the order of the network."""


class Filters(Record):
    """All methods' filters beside the base's.

    The ``.npz`` beside it holds, for the base and each ``METHOD/LEVEL``, the same sixteen filters of one convolution of
    the body, ``16 x k x k`` floats: ``base``, ``ftn/0.5``, ...
    """

    convolution: str
    """The one whose filters are drawn."""
    changes: list[FilterChanges]
    trajectories: dict[str, list[tuple[float, float]]]
    """By method, each level's place (base first, at the origin) in the plane of the two largest principal components of
    all methods' filters, in units of the base's norm."""
    explained: tuple[float, float]
    """Share of the variance that each of the two components holds."""
