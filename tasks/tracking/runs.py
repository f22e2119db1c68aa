"""A stage's run in MLflow: found again by the stage's identity, and never doubled."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from ftn_core.utils.errors import UserError
from ftn_core.utils.project import lasting_folder
from registry import server
from registry.moved import ARTIFACTS
from registry.server import EXPERIMENT, local_store_uri, tracking_uri
from tasks.tracking.journal import Entry

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

CREATION_LOCK = Path(".ftn/mlflow.lock")
"""Two processes that create MLflow's database at once fail."""
EXECUTION = "ftn.execution"
"""Tag of a run: the journal of its newest execution. Only that execution sets the run's status."""


class StageRun:
    """A stage's run, open for one execution. Everything that it does can be done twice without harm.

    Its status becomes RUNNING, unless a newer execution, on another machine, has the run.

    Args:
        opening: the first record of the execution's journal.
        execution: the journal's name.
    """

    def __init__(self, opening: Entry, execution: str) -> None:
        with FileLock(lasting_folder() / CREATION_LOCK, timeout=60):
            self.client = server.mlflow_client()
        self._experiment = _experiment(self.client)
        self._execution = execution
        run = self.find(opening["identity"]) or self.client.create_run(
            self._experiment,
            start_time=opening["time"],
            run_name=opening["stage"],
            tags={"ftn.identity": opening["identity"]},
        )
        self.id: str = run.info.run_id
        self._logged: dict[str, set[int] | None] = dict.fromkeys(run.data.metrics)
        """Steps of each metric that the run has; ``None`` until they are needed."""
        if run.data.tags.get(EXECUTION, "") <= execution:  # names of journals begin with the time
            self.client.update_run(self.id, "RUNNING")
            self._describe(opening["params"], {**opening["tags"], EXECUTION: execution})
        self._log_data(opening["data"])

    def find(self, identity: str) -> "Run | None":
        """The run of the stage with this identity, if there is one."""
        found = self.client.search_runs([self._experiment], f"tags.`ftn.identity` = '{identity}'", max_results=1)
        return found[0] if found else None

    def new_metrics(self, records: list[Entry]) -> "dict[str, list[Metric]]":
        """Those values of records that the run does not have, by metric: it keeps the first value of each step.

        A resumed training repeats the steps since its last checkpoint.
        """
        from mlflow.entities import Metric

        new: dict[str, list[Metric]] = {}
        for record in records:
            for key, value in record.get("values", {}).items():
                steps = self._steps(key)
                if record["step"] not in steps:
                    steps.add(record["step"])
                    new.setdefault(key, []).append(Metric(key, value, record["time"], record["step"]))
        return new

    def log_metrics(self, metrics: "list[Metric]") -> None:
        """Log values that the run does not have."""
        from mlflow.utils.validation import MAX_METRICS_PER_BATCH

        for start in range(0, len(metrics), MAX_METRICS_PER_BATCH):
            self.client.log_batch(self.id, metrics=metrics[start : start + MAX_METRICS_PER_BATCH])

    def _steps(self, key: str) -> set[int]:
        steps = self._logged.get(key)
        if steps is None:
            history = self.client.get_metric_history(self.id, key) if key in self._logged else []
            steps = self._logged[key] = {metric.step for metric in history}
        return steps

    def log_file(self, name: str, data: bytes) -> None:
        """Keep a file with the run."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(data)
            self.client.log_artifact(self.id, str(path))

    def end(self, status: str, time: int) -> None:
        """Set the status, unless a newer execution has the run."""
        if self.client.get_run(self.id).data.tags.get(EXECUTION) == self._execution:
            self.client.set_terminated(self.id, status, time)

    def _describe(self, params: dict[str, Any], tags: dict[str, str]) -> None:
        from mlflow.entities import Param, RunTag
        from mlflow.utils.validation import MAX_PARAMS_TAGS_PER_BATCH

        flat = [Param(key, str(value)) for key, value in _flat(params)]
        self.client.log_batch(self.id, tags=[RunTag(key, value) for key, value in tags.items()])
        for start in range(0, len(flat), MAX_PARAMS_TAGS_PER_BATCH):
            self.client.log_batch(self.id, params=flat[start : start + MAX_PARAMS_TAGS_PER_BATCH])

    def _log_data(self, data: dict[str, str]) -> None:
        from mlflow.entities import Dataset, DatasetInput

        inputs = [DatasetInput(Dataset(path, md5, "dvc", path)) for path, md5 in data.items()]
        if inputs:
            self.client.log_inputs(self.id, inputs)


def _experiment(client: "MlflowClient") -> str:
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(EXPERIMENT):
        if found.lifecycle_stage == "deleted":
            raise UserError(
                f"experiment {EXPERIMENT} is deleted in MLflow: `mlflow experiments restore -x {found.experiment_id}` "
                f"brings it back, `mlflow gc --experiment-ids {found.experiment_id}` makes room for a new one"
            )
        return found.experiment_id
    # a server knows where its artifacts go; for SQLite beside the project they go beside it, too
    artifacts = (lasting_folder() / ARTIFACTS).as_uri() if tracking_uri() == local_store_uri() else None
    try:
        return client.create_experiment(EXPERIMENT, artifacts)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return client.get_experiment_by_name(EXPERIMENT).experiment_id  # another process was faster


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
