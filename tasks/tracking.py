"""Every execution of a stage as an MLflow run, found again by the stage's identity."""

import contextlib
import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.identity import StageIdentity, identify

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Run

EXPERIMENT = "ftn"
LOCK = Path(".ftn/mlflow.lock")


def tracking_uri() -> str:
    """Where runs are tracked: ``MLFLOW_TRACKING_URI``, or SQLite beside the project."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path('mlflow.db').absolute()}"


class Tracker:
    """The MLflow run of one stage. A rerun of the same stage adds to it only what is new."""

    def __init__(self, identity: StageIdentity, client: "MlflowClient", run: "Run") -> None:
        self.stage = identity.name
        self.identity = identity.digest
        self.resume_key = identity.resume_key
        self.client = client
        self.run_id: str = run.info.run_id
        self._experiment: str = run.info.experiment_id

    def find_run(self, other: StageIdentity) -> str | None:
        """The run of another stage's execution, if it was tracked here."""
        run = _find(self.client, self._experiment, "ftn.identity", other.digest)
        return run.info.run_id if run else None

    @cached_property
    def _logged(self) -> dict[str, set[int]]:
        """Steps that an earlier, interrupted execution has logged already."""
        keys = self.client.get_run(self.run_id).data.metrics
        return {key: {m.step for m in self.client.get_metric_history(self.run_id, key)} for key in keys}

    def metrics(self, values: dict[str, float], step: int = 0) -> None:
        """Log values at a step, unless they are there."""
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        new = {key: value for key, value in values.items() if step not in self._logged.setdefault(key, set())}
        self.client.log_batch(self.run_id, metrics=[Metric(key, value, now, step) for key, value in new.items()])
        for key in new:
            self._logged[key].add(step)

    def tag(self, key: str, value: str) -> None:
        """Note what is known only now."""
        self.client.set_tag(self.run_id, key, value)

    def artifact(self, path: Path) -> None:
        """Keep a file with the run."""
        self.client.log_artifact(self.run_id, str(path))

    def figure(self, caption: str, png: bytes) -> None:
        """Keep a PNG picture with the run."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{caption.lower().replace(' ', '-')}.png"
            path.write_bytes(png)
            self.artifact(path)


@contextlib.contextmanager
def track(stage: str) -> Iterator[Tracker]:
    """Open the run of a stage, below the run of its pipeline, with its parameters and datasets.

    The run ends FINISHED, FAILED or, when interrupted, KILLED.
    """
    identity = identify(stage)
    # a run named by the environment would take the place of the one found here
    os.environ.pop("MLFLOW_RUN_ID", None)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    import mlflow
    from filelock import FileLock

    # a server knows where its artifacts go; SQLite beside the project has them beside it too
    artifacts = None if os.environ.get("MLFLOW_TRACKING_URI") else Path("mlartifacts").absolute().as_uri()
    uri = tracking_uri()
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    mlflow.set_system_metrics_sampling_interval(5)
    client = mlflow.MlflowClient()
    # one at a time: creating the database, the experiment and the parent are not safe to race
    LOCK.parent.mkdir(exist_ok=True)
    with FileLock(LOCK):
        experiment = _experiment(client, artifacts)
        parent = _find_or_create(client, experiment, "ftn.pipeline", _pipeline_identity(), "pipeline")
        if parent.info.status == "RUNNING":
            _describe_pipeline(client, parent)
        run = _find_or_create(client, experiment, "ftn.identity", identity.digest, stage)
        _describe(client, run, identity.params, {"ftn.stage": stage, "mlflow.parentRunId": parent.info.run_id})
    client.log_inputs(run.info.run_id, [_dataset(path, md5) for path, md5 in identity.data.items()])
    with mlflow.start_run(run_id=run.info.run_id, log_system_metrics=True):
        try:
            yield Tracker(identity, client, run)
        except (KeyboardInterrupt, SystemExit):
            mlflow.end_run("KILLED")
            raise


def _experiment(client: "MlflowClient", artifacts: str | None) -> str:
    experiment = client.get_experiment_by_name(EXPERIMENT)
    # the kind makes MLflow's pages open on runs and metrics instead of traces
    kind = {"mlflow.experimentKind": "custom_model_development"}
    return experiment.experiment_id if experiment else client.create_experiment(EXPERIMENT, artifacts, kind)


def _find(client: "MlflowClient", experiment: str, tag: str, value: str) -> "Run | None":
    found = client.search_runs([experiment], f"tags.`{tag}` = '{value}'", max_results=1)
    return found[0] if found else None


def _find_or_create(client: "MlflowClient", experiment: str, tag: str, value: str, name: str) -> "Run":
    return _find(client, experiment, tag, value) or client.create_run(experiment, run_name=name, tags={tag: value})


def commit() -> str:
    """The commit that is checked out, marked where tracked files differ from it."""
    result = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"], capture_output=True, text=True
    )
    return result.stdout.strip() or "unknown"


def _pipeline_identity() -> str:
    return hashlib.sha256(f"{commit()}\n{Path('params.yaml').read_text()}".encode()).hexdigest()


def _describe_pipeline(client: "MlflowClient", run: "Run") -> None:
    import yaml

    _describe(client, run, yaml.safe_load(Path("params.yaml").read_text()), {"ftn.commit": commit()})
    client.set_terminated(run.info.run_id)


def _describe(client: "MlflowClient", run: "Run", params: dict[str, Any], tags: dict[str, str]) -> None:
    """Log parameters and tags of a run in one call: with a server, each call is a round trip."""
    from mlflow.entities import Param, RunTag

    flat = [Param(key, str(value)) for key, value in _flat(params)]
    client.log_batch(run.info.run_id, params=flat, tags=[RunTag(key, value) for key, value in tags.items()])


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _dataset(path: str, md5: str) -> "DatasetInput":
    from mlflow.entities import Dataset, DatasetInput

    return DatasetInput(Dataset(name=path, digest=md5, source_type="dvc", source=path))
