"""Experiment, pipelines and stages as MLflow has them: found again, never doubled."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from registry import server
from registry.address import EXPERIMENT, embedded, tracking_uri
from tasks.tracking.spool import Entry

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Run

LOCK = Path(".ftn/mlflow.lock")
EXECUTION = "ftn.execution"
"""Tag of a run: the spool of its newest execution, which alone says how the run ends."""


def refused(error: Exception) -> bool:
    """Whether MLflow will never take this: a name or a value that it does not allow."""
    from mlflow.exceptions import MlflowException

    return isinstance(error, FileNotFoundError) or (
        isinstance(error, MlflowException) and error.get_http_status_code() == 400
    )


def connect() -> "MlflowClient":
    """A client of the store; MLflow's own functions use the same."""
    with _alone():  # it creates the database
        return server.client()


def _alone() -> FileLock:
    """Creating the database, the experiment and the runs: not safe to race, so one process of this clone at a time."""
    LOCK.parent.mkdir(exist_ok=True)
    return FileLock(LOCK, timeout=60)


def open_run(client: "MlflowClient", opening: Entry, execution: str) -> "Run":
    """The run that a spool's first entry describes: the one that is there, or a new one, below its pipeline's.

    It is RUNNING afterwards, unless a newer execution has taken it up.
    """
    with _alone():
        experiment = _experiment(client)
        pipeline = opening["pipeline"]
        parent = _parent(client, experiment, pipeline)
        run = find(client, experiment, "ftn.identity", opening["identity"]) or client.create_run(
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
        # a machine elsewhere may have found this parent doubled before the tag above was there to be moved
        while (now := _parent(client, experiment, pipeline)) != parent:
            parent = now
            client.set_tag(run.info.run_id, "mlflow.parentRunId", parent)
    if opening["data"]:
        client.log_inputs(run.info.run_id, [_dataset(path, md5) for path, md5 in opening["data"].items()])
    return run


def end_run(client: "MlflowClient", run_id: str, execution: str, status: str, time: int) -> None:
    """Say how the execution ended, unless a newer one has taken the run up."""
    if not _superseded(client.get_run(run_id), execution):
        client.set_terminated(run_id, status, time)


def find(client: "MlflowClient", experiment: str, tag: str, value: str) -> "Run | None":
    """The run with this tag, if there is one."""
    found = client.search_runs([experiment], f"tags.`{tag}` = '{value}'", max_results=1)
    return found[0] if found else None


def _superseded(run: "Run", execution: str) -> bool:
    return run.data.tags.get(EXECUTION, "") > execution  # journals' names begin with the time


def _experiment(client: "MlflowClient") -> str:
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(EXPERIMENT):
        return found.experiment_id
    # a server knows where its artifacts go; SQLite beside the project has them beside it too
    artifacts = Path("mlartifacts").absolute().as_uri() if tracking_uri() == embedded() else None
    # the kind makes MLflow's pages open on runs and metrics instead of traces
    kind = {"mlflow.experimentKind": "custom_model_development"}
    try:
        return client.create_experiment(EXPERIMENT, artifacts, kind)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return client.get_experiment_by_name(EXPERIMENT).experiment_id  # another machine was faster


def _parent(client: "MlflowClient", experiment: str, pipeline: dict[str, Any]) -> str:
    """The run of the pipeline, one for all machines, though MLflow cannot create a run only if there is none.

    Two machines can both find none and both create one. Whoever creates looks again afterwards, so at least the
    later of the two sees both; it cannot know whether the other one did. So the choice must be the same for all who
    see both, and must be put through against one who saw only its own: the smallest by time and id stays, whoever
    sees others moves their children and deletes them, and ``open_run`` looks once more after it has written a child's
    parent down. Either that look sees the second parent, or the second was created after the child could be moved.
    """
    condition = f"tags.`ftn.pipeline` = '{pipeline['identity']}'"
    found = client.search_runs([experiment], condition)
    if not found:
        client.create_run(experiment, run_name="pipeline", tags={"ftn.pipeline": pipeline["identity"]})
        found = client.search_runs([experiment], condition)
    parent, *doubles = sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))
    for double in doubles:
        for child in client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{double.info.run_id}'"):
            client.set_tag(child.info.run_id, "mlflow.parentRunId", parent.info.run_id)
        client.delete_run(double.info.run_id)
    if parent.info.status == "RUNNING":
        _describe(client, parent, pipeline["params"], {"ftn.commit": pipeline["commit"]})
        client.set_terminated(parent.info.run_id)
    return parent.info.run_id


def _describe(client: "MlflowClient", run: "Run", params: dict[str, Any], tags: dict[str, str]) -> None:
    """Log parameters and tags of a run in few calls: with a server, each is a round trip."""
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
