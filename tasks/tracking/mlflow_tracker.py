"""Every execution of a stage as an MLflow run, found again by the stage's identity.

The stage itself never talks to MLflow, except through ``MlflowTracker.client``: it spools what it records to disk, and
an uploader process beside it uploads that. A server that is slow, killed or not there costs a stage nothing.
"""

import contextlib
import hashlib
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from registry import server
from registry.address import redact_url, tracking_uri
from registry.repository import commit
from tasks.identity import StageIdentity, identify
from tasks.tracking import runs
from tasks.tracking.spool import Spool
from tasks.tracking.tracker import Tracker
from tasks.tracking.uploader_process import UploaderProcess

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


class MlflowTracker(Tracker):
    """The MLflow run of one stage. A rerun of the same stage adds to it only what is new."""

    def __init__(
        self, identity: StageIdentity, step_of: Callable[[float], int], spool: Spool, uploader: UploaderProcess
    ) -> None:
        super().__init__(identity.name, identity.state_file, step_of)
        self._spool = spool
        self._uploader = uploader

    def metrics(self, values: dict[str, float], step: int = 0) -> None:
        """Log values at a step, unless they are there."""
        self._spool.append("metrics", values={key: float(value) for key, value in values.items()}, step=step)

    def tag(self, key: str, value: str) -> None:
        """Note what is known only now."""
        self._spool.append("tag", key=key, value=value)

    def artifact(self, path: Path) -> None:
        """Keep a file with the run."""
        self._spool.keep(path)

    def figure(self, caption: str, png: bytes) -> None:
        """Keep a PNG picture with the run."""
        self._spool.keep_bytes(f"{caption.lower().replace(' ', '-')}.png", png)

    @property
    def client(self) -> "MlflowClient":
        """MLflow itself, with the stage's run open, for what cannot be put off.

        Raises:
            UnreachableError: it does not answer.
        """
        return self._server[0]

    @property
    def run_id(self) -> str:
        """The stage's run; raises like ``client``."""
        return self._server[1].info.run_id

    def find_run(self, other: StageIdentity) -> str | None:
        """The run of another stage's execution, if it was tracked here; raises like ``client``."""
        client, run = self._server
        found = runs.find(client, run.info.experiment_id, "ftn.identity", other.digest)
        return found.info.run_id if found else None

    @cached_property
    def _server(self) -> "tuple[MlflowClient, Run]":
        self._uploader.quiet = True  # the error is line enough
        with server.require_server(), server.short_timeouts():
            client = runs.connect()
            opening = self._spool.opening
            assert opening  # it was written before there was a tracker
            run = runs.open_run(client, opening, self._spool.name)
        self._uploader.quiet = False
        return client, run


@contextlib.contextmanager
def track(stage: str, step_of: Callable[[float], int]) -> Iterator[MlflowTracker]:
    """Open the run of a stage, below the run of its pipeline, with its parameters and datasets.

    The run ends FINISHED, FAILED or, when interrupted, KILLED.
    """
    spool = Spool.create()
    uploader = UploaderProcess(spool)  # at once: it imports MLflow while DVC is asked
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
                f"{stage}: what MLflow at {redact_url(tracking_uri())} does not have yet is kept in {spool.folder}: "
                "the next stage uploads it, or `make upload`",
                file=sys.stderr,
                flush=True,
            )
        spool.leave()


def _opening(identity: StageIdentity) -> dict[str, Any]:
    """All that it takes to open the run later, on another day and another commit."""
    at, params = commit(), Path("params.yaml").read_text()
    pipeline = hashlib.sha256(f"{at}\n{params}".encode()).hexdigest()
    return {
        "address": redact_url(tracking_uri()),
        "stage": identity.name,
        "identity": identity.digest,
        "params": identity.params,
        "data": identity.data,
        "pipeline": {"identity": pipeline, "params": yaml.safe_load(params), "commit": at},
    }
