"""Costs of methods relative to their base."""

from ftn_core.evaluation.records.record import Record


class Cost(Record):
    """The costs of one method."""

    parameters: int
    """Of the folded network at one dial position."""
    extra_parameters: float
    """Parameters learned for one adapted level, the mean over levels, as a fraction of the base's parameters."""
    multiply_adds: int
    """Of one pass over 256 x 256 pixels."""
    level_multiply_adds: int
    """Of computing an adapted level's weights. This is done once; moving the dial then only interpolates weights."""
    time: float
    """Of one pass, relative to the base's in the same run: the median of the ratios."""
    time_spread: float
    """Half the interquartile range of these ratios."""


class Costs(Record):
    """Costs by row's name, the base first."""

    of: dict[str, Cost]
