"""From a spool to MLflow, in order, each thing once however often the way breaks off.

A request that failed may have reached MLflow all the same. So after every failure the run is looked up anew, and what
it has is not sent again: metrics by key and step. All else can be said twice without harm.
"""

from typing import TYPE_CHECKING

from registry.address import reason, redact_url, tracking_uri
from tasks.tracking import runs
from tasks.tracking.spool import Entry, Spool, spools

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

BATCH = 200
"""Entries of metrics that are sent together."""


def take(spool: Spool, *, here: bool = False) -> "Upload | None":
    """Begin to deliver a spool, unless it is not its turn or it belongs elsewhere.

    One execution of a stage after the other: a metric of both must be found by the second. A spool for another
    address is taken only with ``here``.
    """
    opening = spool.opening
    if opening is None or not (here or addressed_here(opening)):
        return None
    older = (other.opening for other in spools() if other.name < spool.name)
    if any(o and o["identity"] == opening["identity"] and (here or addressed_here(o)) for o in older):
        return None
    return Upload(spool, opening) if spool.claim() else None


def addressed_here(opening: Entry) -> bool:
    """Whether a spool was begun for the store that is in use now."""
    return opening["address"] == redact_url(tracking_uri())


class Upload:
    """A claimed spool on its way. ``step`` until it is ``done`` or, for a stage that died, nothing more is there."""

    def __init__(self, spool: Spool, opening: Entry) -> None:
        self.spool = spool
        self.stage: str = opening["stage"]
        self.status: str | None = None
        """How the run ended, once that is delivered."""
        self.refused: list[str] = []
        """What MLflow will never take, and why."""
        self.count = 0
        """Records delivered."""
        self._opening = opening
        self._to: _Run | None = None
        self._limit = BATCH
        self._last: int = opening["time"]

    @property
    def done(self) -> bool:
        """Whether all is delivered."""
        return self.status is not None

    def step(self) -> bool:
        """Deliver the next few entries; whether there were any.

        Raises:
            Exception: MLflow did not take them; they are the next again.
        """
        batch = self._next()
        if not batch:
            return False
        try:
            self._to = self._to or _Run(self._opening, self.spool)
            self._hand_over([entry for entry, _ in batch])
        except Exception as error:
            opened, self._to = self._to is not None, None
            if not (opened and runs.refused(error)):
                raise
            if len(batch) > 1:
                self._limit = 1  # one by one, to lose no more than the one that is refused
                return True
            self.refused.append(f"{batch[0][0]['kind']}: {reason(error)}")
        if not self.done:  # the end is told again if the spool outlives it
            self.spool.delivered = batch[-1][1]
        self._last = batch[-1][0]["time"]
        self.count += len(batch)
        return True

    def close(self) -> None:
        """End the run of a stage that died before it could say how it ended."""
        self._to = self._to or _Run(self._opening, self.spool)
        self._to.end("KILLED", self._last)
        self.status = "KILLED"

    def _next(self) -> list[tuple[Entry, int]]:
        """Metrics that follow each other, or one entry of another kind."""
        batch = self.spool.read(self.spool.delivered, self._limit)
        others = (i for i, (entry, _) in enumerate(batch) if entry["kind"] != "metrics")
        return batch[: max(1, next(others, len(batch)))]

    def _hand_over(self, entries: list[Entry]) -> None:
        assert self._to
        entry = entries[0]
        match entry["kind"]:
            case "metrics":
                self._to.metrics(entries)
            case "tag":
                self._to.client.set_tag(self._to.id, entry["key"], entry["value"])
            case "artifact":
                self._to.client.log_artifact(self._to.id, str(self.spool.folder / entry["file"]))
            case "end":
                self._to.end(entry["status"], entry["time"])
                self.status = entry["status"]


class _Run:
    """The run in MLflow, opened, and what it has of each metric."""

    def __init__(self, opening: Entry, spool: Spool) -> None:
        self.client: MlflowClient = runs.connect()
        run: Run = runs.open_run(self.client, opening, spool.name)
        self.id: str = run.info.run_id
        self._execution = spool.name
        self._there = set(run.data.metrics)
        self._logged: dict[str, _Logged] = {}

    def end(self, status: str, time: int) -> None:
        runs.end_run(self.client, self.id, self._execution, status, time)

    def metrics(self, entries: list[Entry]) -> None:
        from mlflow.entities import Metric
        from mlflow.utils.validation import MAX_METRICS_PER_BATCH

        new: list[Metric] = []
        for entry in entries:
            for key, value in entry["values"].items():
                step = self._of(key).place(entry["step"], entry["time"])
                if step is not None:
                    new.append(Metric(key, value, entry["time"], step))
        for start in range(0, len(new), MAX_METRICS_PER_BATCH):
            self.client.log_batch(self.id, metrics=new[start : start + MAX_METRICS_PER_BATCH])

    def _of(self, key: str) -> "_Logged":
        if key not in self._logged:
            history = self.client.get_metric_history(self.id, key) if key in self._there else []
            self._logged[key] = _Logged(history)
        return self._logged[key]


class _Logged:
    """Steps and times of one metric that a run has, or that are on their way to it."""

    def __init__(self, history: "list[Metric]") -> None:
        self._steps = {metric.step for metric in history}
        self._times = {metric.timestamp for metric in history}
        self._next = max(self._steps, default=-1) + 1

    def place(self, step: int | None, time: int) -> int | None:
        """The step at which a value belongs; ``None`` if it is there.

        A metric with steps has one value for each, the first: a training that goes on where it was saved says some of
        them again. One without has a value for each time, and its steps are counted.
        """
        if step is None:
            if time in self._times:
                return None
            step, self._next = self._next, self._next + 1
        elif step in self._steps:
            return None
        self._steps.add(step)
        self._times.add(time)
        return step


def deliver(delivery: Upload) -> None:
    """Deliver all of an abandoned spool, then forget it.

    Raises:
        Exception: MLflow stopped taking it; the rest stays.
    """
    while not delivery.done:
        if not delivery.step():
            delivery.close()
    delivery.spool.remove()
