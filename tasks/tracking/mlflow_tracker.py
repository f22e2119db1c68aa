"""Every execution of a stage as an MLflow run, found again by the stage's identity.

A stage writes its records to a journal on disk, and an uploader process sends them to MLflow. So a server that is slow,
killed or absent costs the stage nothing. The stage that registers a model needs MLflow itself. It has no uploader, and
publishes its own journal.
"""

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import yaml

from ftn_core.utils.urls import redact_values
from registry import server
from registry.repository import REGISTER_STAGE, commit
from registry.server import store_name, tracking_uri, without_credentials
from tasks.identity import StageIdentity, identify
from tasks.paths import PARAMS
from tasks.tracking.journal import JOURNALS, Journal, journals
from tasks.tracking.publish import Publication, publish_left
from tasks.tracking.tracker import Tracker
from tasks.tracking.uploader import finish_upload, start_uploader

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


BEGAN, PRESET = "FTN_BEGAN", "FTN_PRESET"
"""Environment variables that a door sets: when it was entered, in ms since the epoch, and its parameters' preset."""


class MlflowTracker(Tracker):
    """Records to an MLflow run. A rerun of the same stage adds only what is new to it."""

    def __init__(
        self, identity: StageIdentity, step_of: Callable[[float], int], journal: Journal, opening: dict[str, Any]
    ) -> None:
        super().__init__(identity.name, identity.state_file, step_of, journal)
        self._opening = opening
        self._publication = Publication(journal)

    @cached_property
    def client(self) -> "MlflowClient":
        """MLflow itself, for the stage that registers. The stage's run is open there.

        Raises:
            UnreachableError: MLflow does not answer.
        """
        with server.require_server(), server.short_timeouts():
            return self._publication.run.client

    @property
    def run_id(self) -> str:
        """The stage's run. Raises like ``client``."""
        return self._publication.run.id

    def find_run(self, other: StageIdentity) -> "Run | None":
        """The run of another stage, if it was tracked here. Raises like ``client``."""
        return self._publication.run.find(other.digest)

    def pipeline(self, metrics: dict[str, float], files: Iterable[Path]) -> None:
        """Record the pipeline's parameters and results as a run of its own, which the stage's uploader publishes.

        It lasts from the moment at which a door was entered, or DVC was started, which also runs experiments.
        """
        journal = Journal.create()
        began, preset = os.environ.get(BEGAN) or _start_of_dvc(), os.environ.get(PRESET)
        summary = {
            "stage": "pipeline",
            "identity": f"pipeline-{self._opening['tags']['ftn.pipeline']}-{self._opening['identity']}",
            "params": yaml.safe_load(PARAMS.read_text()),
            "data": {},
            "tags": {key: value for key, value in self._opening["tags"].items() if key != "ftn.stage"}
            | ({"ftn.preset": preset} if preset else {})
            | {"mlflow.source.name": "dvc repro"},
            **({"time": int(began)} if began else {}),
        }
        journal.append("open", **self._opening | summary)
        journal.append("metrics", values=metrics, step=0)
        for path in files:
            journal.append_file(path.name, path.read_bytes())
        journal.append("end", status="FINISHED")
        journal.close()

    def publish(self) -> None:
        """Publish the journal to its end, and what other stages left. What is not published stays."""
        with contextlib.suppress(Exception), server.short_timeouts():
            self._publication.publish(left=True)
            for path in journals():
                publish_left(path)


def _start_of_dvc() -> int | None:
    """When the DVC was started that runs this stage, in ms since the epoch."""
    return int(psutil.Process(os.getppid()).create_time() * 1000) if "DVC_STAGE" in os.environ else None


@contextlib.contextmanager
def track(stage: str, step_of: Callable[[float], int]) -> Iterator[MlflowTracker]:
    """Open the run of a stage, with its parameters and data.

    The run ends FINISHED, FAILED or, when interrupted, KILLED.
    """
    server.configure_mlflow()  # for the uploader, and for a stage that imports MLflow itself
    journal = Journal.create()
    # first of all, because it imports MLflow while DVC computes the identity
    uploader = None if stage == REGISTER_STAGE else start_uploader(journal)
    try:
        identity = identify(stage)
        opening = opening_of(identity)
        journal.append("open", **opening)
    except BaseException:
        journal.remove()
        if uploader:
            finish_upload(uploader)
        raise
    tracker = MlflowTracker(identity, step_of, journal, opening)
    status, reachable = "FAILED", True
    try:
        yield tracker
        status = "FINISHED"
    except server.UnreachableError:
        reachable = False
        raise
    except (KeyboardInterrupt, SystemExit):
        status = "KILLED"
        raise
    finally:
        journal.append("end", status=status)
        if uploader:
            finish_upload(uploader)
        elif reachable:
            tracker.publish()
        journal.close()
        if reachable and journal.path.exists():
            print(
                f"{stage}: some records are not in MLflow at {without_credentials(tracking_uri())} yet. They are "
                f"kept in {JOURNALS}: the next stage uploads them, or `make upload`",
                file=sys.stderr,
                flush=True,
            )


def opening_of(identity: StageIdentity) -> dict[str, Any]:
    """All values for opening the run later, on another day and another commit."""
    at = commit()
    pipeline = hashlib.sha256(f"{at}\n{PARAMS.read_text()}".encode()).hexdigest()[:12]
    return {
        "address": store_name(),
        "stage": identity.name,
        "identity": identity.digest,
        "params": redact_values(identity.params),
        "data": identity.data,
        "tags": {
            "ftn.stage": identity.name,
            "ftn.pipeline": pipeline,
            "ftn.commit": at,
            "mlflow.source.name": f"dvc repro {identity.name}",  # MLflow's pages show both
            "mlflow.source.git.commit": at.removesuffix("-dirty"),
        },
    }
