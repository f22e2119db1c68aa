"""The process that sends a stage's records to MLflow: ``python -m tasks.tracking.uploader SPOOL STAGE_PID``.

It is a process and not a thread for three reasons. MLflow takes seconds to import, and a thread would take them from
the stage. Imports in two threads can deadlock. And when the stage is killed, this process can still end its run.

It runs in a session of its own, so a signal to the stage's process group does not end it. It ends by itself within
seconds of the stage.

The end of its standard input says that the stage is about to end. Its standard output has lines for people; all else
goes to ``uploader.log`` in the spool.
"""

import argparse
import contextlib
import os
import select
import sys
import time
import traceback
from pathlib import Path

from ftn_core.utils.garbage_collection import collect_rarely
from registry import server
from registry.server import redact, root_cause, tracking_uri, without_credentials
from tasks.tracking.runs import StageRun, refused
from tasks.tracking.spool import SPOOLS, Entry, Spool, spools

BATCH_SIZE = 200
"""Entries of metrics in one request."""
POLL_INTERVAL = 0.5
"""Seconds between two searches for new entries."""
MAX_BACKOFF = 30.0
"""Seconds between two attempts, at most, on a server that does not answer."""
END_TIMEOUT = 5.0
"""Seconds for which a stage that ends waits for a server that does not answer."""
OTHERS_TIMEOUT = 10.0
"""Seconds after the stage's end that are spent on other stages' spools."""


def for_this_store(opening: Entry) -> bool:
    """Whether a spool was begun for the store that is in use now."""
    return opening["address"] == without_credentials(tracking_uri())


class Upload:
    """A claimed spool on its way to MLflow: in order, and each entry once.

    A request that failed may have reached MLflow all the same. So after every failure the run is looked up again, and
    metrics that it has are not sent again. Everything else can be repeated without harm.
    """

    def __init__(self, spool: Spool, opening: Entry) -> None:
        self.spool = spool
        self.stage: str = opening["stage"]
        self.status: str | None = None
        """How the run ended, once MLflow knows it."""
        self.refused: list[str] = []
        """Entries that MLflow will never accept, and why."""
        self.count = 0
        """Entries uploaded."""
        self._opening = opening
        self._run: StageRun | None = None
        self._limit = BATCH_SIZE
        self._last: int = opening["time"]

    @classmethod
    def begin(cls, spool: Spool, *, redirect: bool = False) -> "Upload | None":
        """Claim a spool; ``None`` if it cannot be uploaded now.

        Executions of one stage go one after the other, because each must find the metrics of the one before.
        A spool for another store is uploaded only with ``redirect``.
        """
        opening = spool.opening
        if opening is None or not (redirect or for_this_store(opening)):
            return None
        older = (other.opening for other in spools() if other.name < spool.name)
        if any(o and o["identity"] == opening["identity"] and (redirect or for_this_store(o)) for o in older):
            return None
        return cls(spool, opening) if spool.claim() else None

    def step(self, *, abandoned: bool) -> bool:
        """Upload the next few entries; returns whether there was anything to do.

        After the last entry of an ``abandoned`` spool the run ends KILLED: its stage could not say how it ended.
        The spool is removed when the run has ended.

        Raises:
            Exception: MLflow did not take the entries. They are the next again.
        """
        batch = self._next_batch()
        if batch:
            self._send(batch)
        elif abandoned:
            self._open().end("KILLED", self._last)
            self.status = "KILLED"
        if self.status:
            self.spool.remove()
        return bool(batch) or self.status is not None

    def _next_batch(self) -> list[tuple[Entry, int]]:
        """Metrics that follow each other, or one entry of another kind."""
        batch = self.spool.read(self.spool.uploaded, self._limit)
        others = (i for i, (entry, _) in enumerate(batch) if entry["kind"] != "metrics")
        return batch[: max(1, next(others, len(batch)))]

    def _send(self, batch: list[tuple[Entry, int]]) -> None:
        last, offset = batch[-1]
        try:
            self._send_entries([entry for entry, _ in batch])
        except Exception as error:
            opened, self._run = self._run is not None, None
            if not (opened and refused(error)):
                raise
            if len(batch) > 1:
                self._limit = 1  # one by one from now on, so that only the refused entry is lost
                return
            self.refused.append(f"{last['kind']}: {root_cause(error)}")
        if not self.status:  # the end is sent again if the spool is still there
            self.spool.uploaded = offset
        self._last = last["time"]
        self.count += len(batch)

    def _send_entries(self, entries: list[Entry]) -> None:
        run, entry = self._open(), entries[0]
        match entry["kind"]:
            case "metrics":
                run.log_metrics(entries)
            case "tag":
                run.client.set_tag(run.id, entry["key"], entry["value"])
            case "artifact":
                run.client.log_artifact(run.id, str(self.spool.folder / entry["file"]))
            case "end":
                run.end(entry["status"], entry["time"])
                self.status = entry["status"]

    def _open(self) -> StageRun:
        self._run = self._run or StageRun(self._opening, self.spool.name)
        return self._run


class Uploader:
    """Uploads the spool of a running stage and, when that has nothing new, spools that other stages left."""

    def __init__(self, own: Spool, stage_pid: int) -> None:
        self._own = own
        self._stage_pid = stage_pid
        self._uploads: dict[str, Upload] = {}
        self._retry_at: dict[str, float] = {}
        self._ended: float | None = None
        self._silent_since: float | None = None

    def run(self) -> bool:
        """Work until the stage has ended and its spool is uploaded, or MLflow does not answer.

        Returns whether the spool is uploaded.
        """
        backoff = POLL_INTERVAL
        while self._own.folder.exists():
            ended = self._stage_ended()
            try:
                progress = self._upload_own()
            except Exception as error:
                silent_since = self._note_silence(error)
                if ended and time.monotonic() > silent_since + END_TIMEOUT:
                    return False
                backoff = 1.0 if ended else min(MAX_BACKOFF, 2 * backoff)
                self._wait(backoff)
                continue
            if progress:
                self._note_answer()
                backoff = POLL_INTERVAL
            elif ended and self._own.folder.exists() and time.monotonic() > ended + END_TIMEOUT:
                return False  # another process uploads an older execution of the same stage
            elif not self._upload_others():
                self._wait(POLL_INTERVAL)
        # A stage that is always busy leaves other spools to the next one. If every stage is short, nobody would come
        # to them without this.
        deadline = (self._ended or time.monotonic()) + OTHERS_TIMEOUT
        while time.monotonic() < deadline and self._upload_others():
            pass
        return True

    def _upload_own(self) -> bool:
        """Upload some of the stage's spool, or of an older execution; returns whether there was anything to do."""
        opening = self._own.opening
        for spool in spools():
            own = spool.name == self._own.name
            if own or (opening and (spool.opening or {}).get("identity") == opening["identity"]):
                killed = own and os.getppid() != self._stage_pid  # asked before the spool is read to its end
                if upload := self._begin(spool):
                    return self._step(upload, abandoned=killed or not own)
        return False

    def _upload_others(self) -> bool:
        for spool in spools():
            if time.monotonic() < self._retry_at.get(spool.name, 0.0) or spool.name == self._own.name:
                continue
            try:
                upload = self._begin(spool)
                if upload and self._step(upload, abandoned=True):
                    return True
            except Exception as error:
                log(error)
                self._retry_at[spool.name] = time.monotonic() + MAX_BACKOFF
        return False

    def _begin(self, spool: Spool) -> Upload | None:
        if spool.name not in self._uploads and (spool.name == self._own.name or spool.abandoned):
            upload = Upload.begin(spool)
            if upload:
                self._uploads[spool.name] = upload
        return self._uploads.get(spool.name)

    def _step(self, upload: Upload, *, abandoned: bool) -> bool:
        progress = upload.step(abandoned=abandoned)
        if upload.status:
            del self._uploads[upload.spool.name]
            for message in upload.refused:
                tell(f"{upload.stage}: MLflow does not accept {message}")
        return progress

    def _stage_ended(self) -> float | None:
        if self._ended is None and (self._stdin_closed(0.0) or os.getppid() != self._stage_pid):
            self._ended = time.monotonic()
        return self._ended

    def _wait(self, seconds: float) -> None:
        """Sleep, until the stage ends at most."""
        if self._ended is None:
            self._stdin_closed(seconds)
        else:
            time.sleep(seconds)

    def _stdin_closed(self, timeout: float) -> bool:
        return bool(select.select([sys.stdin], [], [], timeout)[0])

    def _note_silence(self, error: Exception) -> float:
        """Tell the first failure of several; returns when that was."""
        if self._silent_since is None:
            self._silent_since = time.monotonic()
            log(error)
            tell(
                f"{self._stage}: MLflow at {without_credentials(tracking_uri())} does not answer "
                f"({root_cause(error)}); the stage goes on, and its records are kept in {SPOOLS}"
            )
        return self._silent_since

    def _note_answer(self) -> None:
        if self._silent_since is not None:
            self._silent_since = None
            tell(f"{self._stage}: MLflow at {without_credentials(tracking_uri())} answers again")

    @property
    def _stage(self) -> str:
        return (self._own.opening or {}).get("stage", "tracking")


def tell(line: str) -> None:
    """Send a line to the stage, which prints it, unless the stage is gone."""
    with contextlib.suppress(BrokenPipeError):
        print(line, file=sys.__stdout__, flush=True)


def log(error: Exception) -> None:
    """Write the whole traceback to ``uploader.log``."""
    print(redact("".join(traceback.format_exception(error))), file=sys.stderr, flush=True)


def main() -> None:
    """Exit code 0: everything is uploaded. 1: something is left in the spool."""
    parser = argparse.ArgumentParser(
        prog="python -m tasks.tracking.uploader", description="Upload what a stage records to MLflow."
    )
    parser.add_argument("spool", type=Path)
    parser.add_argument("stage_pid", type=int, help="the stage's process")
    arguments = parser.parse_args()
    collect_rarely()
    sys.stdout = sys.stderr  # libraries' output is not for people
    spool = Spool(arguments.spool)
    uploader = Uploader(spool, arguments.stage_pid)
    with server.short_timeouts():
        from tasks.tracking.system_metrics import SystemMetrics  # imports MLflow, which takes seconds

        SystemMetrics(spool).start()
        uploaded = uploader.run()
    sys.exit(0 if uploaded else 1)


if __name__ == "__main__":
    main()
