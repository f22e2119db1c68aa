"""Scores of the baselines."""

from ftn_core.evaluation.records.record import Record
from ftn_core.evaluation.records.score import Score


class Baselines(Record):
    """Scores of the rows that the methods are compared with."""

    scores: dict[str, dict[float, Score]]
    """By row's name and level. Networks trained for one level have scores at all levels; see ``from_scratch``."""
    from_scratch: dict[float, str]
    """By level, the row of the network that was trained for this level alone; the base's level is included."""
    noise_conditioned: list[str]
    """Rows of noise-conditioned networks."""
