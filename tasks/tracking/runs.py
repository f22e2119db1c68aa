"""Experiment, pipelines and stages in MLflow: found again, never doubled."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from registry import server
from registry.server import EXPERIMENT, local_store_uri, tracking_uri
from tasks.tracking.spool import Entry

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Metric, Run

CREATION_LOCK = Path(".ftn/mlflow.lock")
EXECUTION = "ftn.execution"
"""Tag of a run: the spool of its newest execution. Only that execution sets the run's status."""


class StageRun:
    """A stage's run in MLflow, open for one execution.

    Args:
        opening: the first entry of the execution's spool.
        execution: the spool's name.
    """

    def __init__(self, opening: Entry, execution: str) -> None:
        self.client = connect()
        self._run = open_run(self.client, opening, execution)
        self._execution = execution
        self._logged: dict[str, _LoggedMetric] = {}

    @property
    def id(self) -> str:
        return self._run.info.run_id

    def find(self, identity: str) -> str | None:
        """The run of the stage with this identity, if there is one."""
        found = _find(self.client, self._run.info.experiment_id, identity)
        return found.info.run_id if found else None

    def log_metrics(self, entries: list[Entry]) -> None:
        """Log those values that the run does not have."""
        from mlflow.entities import Metric
        from mlflow.utils.validation import MAX_METRICS_PER_BATCH

        new: list[Metric] = []
        for entry in entries:
            for key, value in entry["values"].items():
                step = self._metric(key).new_step(entry["step"], entry["time"])
                if step is not None:
                    new.append(Metric(key, value, entry["time"], step))
        for start in range(0, len(new), MAX_METRICS_PER_BATCH):
            self.client.log_batch(self.id, metrics=new[start : start + MAX_METRICS_PER_BATCH])

    def _metric(self, key: str) -> "_LoggedMetric":
        if key not in self._logged:
            history = self.client.get_metric_history(self.id, key) if key in self._run.data.metrics else []
            self._logged[key] = _LoggedMetric(history)
        return self._logged[key]

    def end(self, status: str, time: int) -> None:
        """Set the status, unless a newer execution has taken over the run."""
        if not _superseded(self.client.get_run(self.id), self._execution):
            self.client.set_terminated(self.id, status, time)


class _LoggedMetric:
    """Steps and times of the values that a run has of one metric, or will have soon."""

    def __init__(self, history: "list[Metric]") -> None:
        self._steps = {metric.step for metric in history}
        self._times = {metric.timestamp for metric in history}
        self._next = max(self._steps, default=-1) + 1

    def new_step(self, step: int | None, time: int) -> int | None:
        """The step under which to log a value; ``None`` if the run has it.

        A metric with steps keeps the first value of each step: a resumed training repeats the steps since its last
        checkpoint. A metric without steps keeps one value for each time, and its values are counted.
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


def refused(error: Exception) -> bool:
    """Whether MLflow will never accept this, for example because it does not allow the name or the value."""
    from mlflow.exceptions import MlflowException

    return isinstance(error, FileNotFoundError) or (
        isinstance(error, MlflowException) and error.get_http_status_code() == 400
    )


def connect() -> "MlflowClient":
    """A client of the store; MLflow's own functions use the same store."""
    with _locked():  # it creates the database
        return server.mlflow_client()


def _locked() -> FileLock:
    """Only one process of this clone at a time may create the database, the experiment or runs."""
    CREATION_LOCK.parent.mkdir(exist_ok=True)
    return FileLock(CREATION_LOCK, timeout=60)


def open_run(client: "MlflowClient", opening: Entry, execution: str) -> "Run":
    """Find or create the run that a spool's first entry describes, below its pipeline's run.

    Its status becomes RUNNING, unless a newer execution has taken over the run.
    """
    with _locked():
        experiment = _experiment(client)
        pipeline = opening["pipeline"]
        parent = _parent(client, experiment, pipeline)
        run = _find(client, experiment, opening["identity"]) or client.create_run(
            experiment,
            start_time=opening["time"],
            run_name=opening["stage"],
            tags={"ftn.identity": opening["identity"]},
        )
        tags = {"ftn.stage": opening["stage"], "mlflow.parentRunId": parent}
        if not _superseded(run, execution):
            tags[EXECUTION] = execution
            client.update_run(run.info.run_id, "RUNNING")
        _describe(client, run, opening["params"], tags)
        # see _parent: another machine may have deleted this parent before the tag above was written
        while (now := _parent(client, experiment, pipeline)) != parent:
            parent = now
            client.set_tag(run.info.run_id, "mlflow.parentRunId", parent)
    if opening["data"]:
        client.log_inputs(run.info.run_id, [_dataset(path, md5) for path, md5 in opening["data"].items()])
    return run


def _find(client: "MlflowClient", experiment: str, identity: str) -> "Run | None":
    found = client.search_runs([experiment], f"tags.`ftn.identity` = '{identity}'", max_results=1)
    return found[0] if found else None


def _superseded(run: "Run", execution: str) -> bool:
    return run.data.tags.get(EXECUTION, "") > execution  # names of spools begin with the time


def _experiment(client: "MlflowClient") -> str:
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(EXPERIMENT):
        return found.experiment_id
    # a server knows where its artifacts go; for SQLite beside the project they go beside it, too
    artifacts = Path("mlartifacts").absolute().as_uri() if tracking_uri() == local_store_uri() else None
    # this kind makes MLflow's pages open on runs and metrics instead of traces
    kind = {"mlflow.experimentKind": "custom_model_development"}
    try:
        return client.create_experiment(EXPERIMENT, artifacts, kind)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return client.get_experiment_by_name(EXPERIMENT).experiment_id  # another machine was faster


def _parent(client: "MlflowClient", experiment: str, pipeline: dict[str, Any]) -> str:
    """Find or create the run of the pipeline: one for all machines.

    MLflow has no "create unless it exists", so two machines may both find none and both create one. The duplicate is
    removed like this:

    1. Whoever creates a run searches again. The later of the two machines then sees both runs, the earlier maybe not.
    2. Whoever sees several keeps the oldest (then the smallest id), moves the others' children to it, and deletes the
       others. All machines that see both choose the same.
    3. ``open_run`` calls this again after it has written the parent into the child. Either it sees the second run
       then, or the second run was created so late that its creator sees the child and moves it.
    """
    condition = f"tags.`ftn.pipeline` = '{pipeline['identity']}'"
    found = client.search_runs([experiment], condition)
    if not found:
        client.create_run(experiment, run_name="pipeline", tags={"ftn.pipeline": pipeline["identity"]})
        found = client.search_runs([experiment], condition)
    parent, *duplicates = sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))
    for duplicate in duplicates:
        for child in client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{duplicate.info.run_id}'"):
            client.set_tag(child.info.run_id, "mlflow.parentRunId", parent.info.run_id)
        client.delete_run(duplicate.info.run_id)
    if parent.info.status == "RUNNING":
        _describe(client, parent, pipeline["params"], {"ftn.commit": pipeline["commit"]})
        client.set_terminated(parent.info.run_id)
    return parent.info.run_id


def _describe(client: "MlflowClient", run: "Run", params: dict[str, Any], tags: dict[str, str]) -> None:
    """Log parameters and tags of a run in few requests: each is a round trip to the server."""
    from mlflow.entities import Param, RunTag
    from mlflow.utils.validation import MAX_PARAMS_TAGS_PER_BATCH

    flat = [Param(key, str(value)) for key, value in _flat(params)]
    client.log_batch(
        run.info.run_id,
        params=flat[:MAX_PARAMS_TAGS_PER_BATCH],
        tags=[RunTag(key, value) for key, value in tags.items()],
    )
    for start in range(MAX_PARAMS_TAGS_PER_BATCH, len(flat), MAX_PARAMS_TAGS_PER_BATCH):
        client.log_batch(run.info.run_id, params=flat[start : start + MAX_PARAMS_TAGS_PER_BATCH])


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _dataset(path: str, md5: str) -> "DatasetInput":
    from mlflow.entities import Dataset, DatasetInput

    return DatasetInput(Dataset(name=path, digest=md5, source_type="dvc", source=path))
