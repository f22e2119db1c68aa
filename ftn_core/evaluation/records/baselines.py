"""Scores of what the methods are held against."""

from ftn_core.evaluation.records.record import Record
from ftn_core.evaluation.records.score import Score


class Baselines(Record):
    """What the methods are held against: by row's name, by level."""

    scores: dict[str, dict[float, Score]]
    """A from-scratch network or the base has a score at every level; `from_scratch` below says which are its own."""
    from_scratch: dict[float, str]
    """By level the row of the network trained for it alone; the base's own level included."""
    noise_conditioned: list[str]
    """Rows of noise-conditioned networks."""
