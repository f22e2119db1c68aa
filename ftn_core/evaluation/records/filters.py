"""How methods change the base's filters."""

from ftn_core.evaluation.records.record import Record


class FilterChanges(Record):
    """How one method changed the base's filters for one level.

    This is DNI's analysis (arXiv 1811.10515, section 3): each filter ``Cin x k x k`` is correlated with the base's
    filter at the same place, and the correlations are averaged over a convolution's filters.
    """

    name: str
    level: float
    correlation: dict[str, float]
    """By convolution, in the network's order."""


class Filters(Record):
    """All methods' filters compared with the base's; empty where all rows are lines, which have bases of their own.

    The ``.npz`` beside it holds sixteen filters of one convolution of the body, ``16 x k x k`` floats: the base's under
    ``base``, and the same filters of each method and level under ``METHOD/LEVEL``, such as ``ftn/0.5``.
    """

    convolution: str
    """The convolution whose filters are drawn."""
    changes: list[FilterChanges]
    trajectories: dict[str, list[tuple[float, float]]]
    """By method, the position of each level in the plane of the two largest principal components of all methods' filter
    changes, in units of the norm of the base's filters. They are in the dial's order, with the base at the origin."""
    explained: tuple[float, float]
    """The share of the variance that each of the two components explains."""
