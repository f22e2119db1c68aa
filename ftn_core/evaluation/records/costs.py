"""What methods cost beside their base."""

from ftn_core.evaluation.records.record import Record


class Cost(Record):
    """What a method costs beside its base."""

    parameters: int
    """Of one network, ready to run at one place of the dial."""
    extra_parameters: float
    """Learned for one adapted level (the mean over levels), as a fraction of the base's."""
    multiply_adds: int
    """Of one pass over 256 x 256 pixels."""
    level_multiply_adds: int
    """Of computing an adapted level's weights, once; moving the dial then is one interpolation of the weights."""
    time: float
    """Of one pass, beside the base's in the same run: a median of ratios."""
    time_spread: float
    """Half the interquartile range of those ratios."""


class Costs(Record):
    """By row's name, the base's own first."""

    of: dict[str, Cost]
