"""How methods move the base's filters."""

from ftn_core.evaluation.records.record import Record


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
