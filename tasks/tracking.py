"""Every execution of a stage as an MLflow run, found again by the stage's identity.

The stage itself never talks to MLflow, but for what it asks of ``Tracker.client``: it writes down what it records, and
a courier beside it delivers that. A server that is slow, killed or not there costs a stage nothing.
"""

import contextlib
import hashlib
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from serving.registry import server
from serving.registry.address import shown, tracking_uri
from serving.registry.clone import commit
from tasks import runs
from tasks.identity import StageIdentity, identify
from tasks.journal import Journal
from tasks.outbox import Outbox

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


class Tracker:
    """The MLflow run of one stage. A rerun of the same stage adds to it only what is new."""

    def __init__(self, identity: StageIdentity, journal: Journal, outbox: Outbox) -> None:
        self.stage = identity.name
        self.identity = identity.digest
        self.resume_key = identity.resume_key
        self._journal = journal
        self._outbox = outbox

    def metrics(self, values: dict[str, float], step: int = 0) -> None:
        """Log values at a step, unless they are there."""
        self._journal.append("metrics", values={key: float(value) for key, value in values.items()}, step=step)

    def tag(self, key: str, value: str) -> None:
        """Note what is known only now."""
        self._journal.append("tag", key=key, value=value)

    def artifact(self, path: Path) -> None:
        """Keep a file with the run."""
        self._journal.keep(path)

    def figure(self, caption: str, png: bytes) -> None:
        """Keep a PNG picture with the run."""
        self._journal.keep_bytes(f"{caption.lower().replace(' ', '-')}.png", png)

    @property
    def client(self) -> "MlflowClient":
        """MLflow itself, with the stage's run open, for what cannot be put off.

        Raises:
            UnansweredError: it does not answer.
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
        self._outbox.quiet = True  # the error is line enough
        with server.needed(), server.impatient():
            client = runs.connect()
            opening = self._journal.opening
            assert opening  # it was written before there was a tracker
            run = runs.open_run(client, opening, self._journal.name)
        self._outbox.quiet = False
        return client, run


@contextlib.contextmanager
def track(stage: str) -> Iterator[Tracker]:
    """Open the run of a stage, below the run of its pipeline, with its parameters and datasets.

    The run ends FINISHED, FAILED or, when interrupted, KILLED.
    """
    journal = Journal.create()
    outbox = Outbox(journal)  # at once: the courier imports MLflow while DVC is asked
    try:
        identity = identify(stage)
        journal.append("open", **_opening(identity))
    except BaseException:
        outbox.stop()
        journal.remove()
        raise
    status, wait = "FAILED", True
    try:
        yield Tracker(identity, journal, outbox)
        status = "FINISHED"
    except server.UnansweredError:
        wait = False
        raise
    except (KeyboardInterrupt, SystemExit):
        status = "KILLED"
        raise
    finally:
        journal.append("end", status=status)
        if not wait:
            outbox.stop()
        elif not outbox.flush():
            print(
                f"{stage}: what MLflow at {shown(tracking_uri())} has not got is kept in {journal.folder}: "
                "the next stage delivers it, or `python -m tasks.deliver`",
                file=sys.stderr,
                flush=True,
            )
        journal.leave()


def _opening(identity: StageIdentity) -> dict[str, Any]:
    """All that it takes to open the run later, on another day and another commit."""
    at, params = commit(), Path("params.yaml").read_text()
    pipeline = hashlib.sha256(f"{at}\n{params}".encode()).hexdigest()
    return {
        "address": shown(tracking_uri()),
        "stage": identity.name,
        "identity": identity.digest,
        "params": identity.params,
        "data": identity.data,
        "pipeline": {"identity": pipeline, "params": yaml.safe_load(params), "commit": at},
    }
