"""Every execution of a stage as an MLflow run, found again by the stage's identity.

A stage writes its records to a spool on disk, and an uploader process sends them to MLflow. So a server that is slow,
killed or absent costs the stage nothing. Only ``MlflowTracker.client`` talks to MLflow from the stage itself.
"""

import contextlib
import hashlib
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import yaml

from registry import server
from registry.repository import REGISTER_STAGE, commit
from registry.server import tracking_uri, without_credentials
from tasks.identity import StageIdentity, identify
from tasks.paths import PARAMS
from tasks.tracking.runs import StageRun
from tasks.tracking.spool import Spool
from tasks.tracking.tracker import Tracker
from tasks.tracking.uploader_process import UploaderProcess

if TYPE_CHECKING:
    from mlflow import MlflowClient


class MlflowTracker(Tracker):
    """Records to an MLflow run. A rerun of the same stage adds only what is new to it."""

    def __init__(
        self, identity: StageIdentity, step_of: Callable[[float], int], spool: Spool, uploader: UploaderProcess
    ) -> None:
        super().__init__(identity.name, identity.state_file, step_of, spool)
        self._spool: Spool = spool
        self._uploader = uploader

    @property
    def client(self) -> "MlflowClient":
        """MLflow itself, for what cannot wait. The stage's run is open there.

        Raises:
            UnreachableError: MLflow does not answer.
        """
        return self._run.client

    @property
    def run_id(self) -> str:
        """The stage's run. Raises like ``client``."""
        return self._run.id

    def find_run(self, other: StageIdentity) -> str | None:
        """The run of another stage, if it was tracked here. Raises like ``client``."""
        return self._run.find(other.digest)

    @cached_property
    def _run(self) -> StageRun:
        opening = self._spool.opening
        assert opening  # written before there was a tracker
        with server.require_server(), server.short_timeouts():
            run = StageRun(opening, self._spool.name)
        self._uploader.quiet = False
        return run


@contextlib.contextmanager
def track(stage: str, step_of: Callable[[float], int]) -> Iterator[MlflowTracker]:
    """Open the run of a stage, below the run of its pipeline, with its parameters and datasets.

    The run ends FINISHED, FAILED or, when interrupted, KILLED.
    """
    server.configure_mlflow()  # for the uploader, and for a stage that imports MLflow itself
    spool = Spool.create()
    # First of all, because it imports MLflow while DVC computes the identity. The stage that registers needs MLflow
    # itself, and reports its errors.
    uploader = UploaderProcess(spool, quiet=stage == REGISTER_STAGE)
    try:
        identity = identify(stage)
        spool.append("open", **_opening(identity))
    except BaseException:
        uploader.stop()
        spool.remove()
        raise
    status, wait = "FAILED", True
    try:
        yield MlflowTracker(identity, step_of, spool, uploader)
        status = "FINISHED"
    except server.UnreachableError:
        wait = False
        raise
    except (KeyboardInterrupt, SystemExit):
        status = "KILLED"
        raise
    finally:
        spool.append("end", status=status)
        if not wait:
            uploader.stop()
        elif not uploader.flush():
            print(
                f"{stage}: some records are not in MLflow at {without_credentials(tracking_uri())} yet. They are "
                f"kept in {spool.folder}: the next stage uploads them, or `make upload`",
                file=sys.stderr,
                flush=True,
            )
        spool.close()


def _opening(identity: StageIdentity) -> dict[str, Any]:
    """All values for opening the run later, on another day and another commit."""
    at, params = commit(), PARAMS.read_text()
    pipeline = hashlib.sha256(f"{at}\n{params}".encode()).hexdigest()
    return {
        "address": without_credentials(tracking_uri()),
        "stage": identity.name,
        "identity": identity.digest,
        "params": identity.params,
        "data": identity.data,
        "pipeline": {"identity": pipeline, "params": yaml.safe_load(params), "commit": at},
    }
