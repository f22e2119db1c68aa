"""What a stage records. Tracking changes nothing that a stage writes."""

from collections.abc import Callable, Iterable
from pathlib import Path

from tasks.tracking.journal import Journal


class Tracker:
    """What a stage is given: its name, the file of an unfinished training, and what takes its records.

    Args:
        stage: as DVC names it.
        state_file: its name changes with everything that can change the stage's result.
        step_of: a level as a whole number, which is what MLflow has on its axis.
        journal: takes the records; without one nothing is kept.
    """

    def __init__(
        self, stage: str, state_file: Path, step_of: Callable[[float], int], journal: Journal | None = None
    ) -> None:
        self.stage = stage
        self.state_file = state_file
        self._step_of = step_of
        self._journal = journal

    def metrics(self, values: dict[str, float], step: int = 0) -> None:
        """Record values at a step. A metric keeps the first value of each step."""
        if self._journal:
            self._journal.append("metrics", values={key: float(value) for key, value in values.items()}, step=step)

    def at_level(self, level: float, values: dict[str, float]) -> None:
        """Record values of a level. Their step is the level as a whole number: 51 for sigma 0.2, 40 for quality 40."""
        self.metrics(values, self._step_of(level))

    def tag(self, key: str, value: str) -> None:
        """Tag the run."""
        if self._journal:
            self._journal.append("tag", key=key, value=value)

    def artifact(self, path: Path) -> None:
        """Keep a file with the run."""
        if self._journal:
            self._journal.append_file(path.name, path.read_bytes())

    def figure(self, caption: str, svg: bytes) -> None:
        """Keep an SVG picture with the run."""
        if self._journal:
            self._journal.append_file(f"{caption.lower().replace(' ', '-')}.svg", svg)

    def pipeline(self, metrics: dict[str, float], files: Iterable[Path]) -> None:
        """Record the results of the whole pipeline as a run of its own, so that pipelines can be compared."""
