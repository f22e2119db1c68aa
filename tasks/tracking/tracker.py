"""What a stage records. This tracker keeps nothing: whatever tracks, a stage writes the same bytes."""

from collections.abc import Callable
from pathlib import Path


class Tracker:
    """What a stage is given: its name, where an unfinished training is kept, and what takes its records.

    Args:
        stage: as DVC names it.
        state_file: changes with all that can change the stage's result, so that nothing else is resumed.
        step_of: a level as a whole number, which is what MLflow has on its axis.
    """

    def __init__(self, stage: str, state_file: Path, step_of: Callable[[float], int]) -> None:
        self.stage = stage
        self.state_file = state_file
        self._step_of = step_of

    def metrics(self, values: dict[str, float], step: int = 0) -> None:
        """Record values at a step."""

    def at_level(self, level: float, values: dict[str, float]) -> None:
        """Record values of a level; its step is the level in whole numbers."""
        self.metrics(values, self._step_of(level))

    def tag(self, key: str, value: str) -> None:
        """Record what is known only now."""

    def artifact(self, path: Path) -> None:
        """Keep a file with the run."""

    def figure(self, caption: str, png: bytes) -> None:
        """Keep a PNG picture with the run."""
