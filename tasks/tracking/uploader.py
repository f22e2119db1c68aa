"""The process that publishes a stage's journal while the stage runs: ``python -m tasks.tracking.uploader``.

It is a process and not a thread because MLflow takes more than a second of pure Python to import, which a thread would
take from the stage, and because it can still end the run of a stage that was killed.

It runs in a session of its own, so a signal to the stage's process group does not end it. The end of its standard
input says that the stage is gone. Then it ends within ``END_TIMEOUT``.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ftn_core.utils.garbage_collection import collect_rarely
from registry import server
from registry.server import root_cause, tracking_uri, without_credentials
from tasks.tracking.journal import JOURNALS, Journal, journals, read_opening
from tasks.tracking.publish import Publication, publish_left

if TYPE_CHECKING:
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

POLL_INTERVAL = 1.0
"""Seconds between two looks for new records."""
RETRY_INTERVAL = 5.0
"""Seconds between two attempts on an MLflow that takes nothing."""
SILENCE_TIMEOUT = 5.0
"""Seconds for which a stage that ends waits for an MLflow that takes nothing."""
END_TIMEOUT = 30
"""Seconds for which a stage that ends waits at all."""


def start_uploader(journal: Journal) -> "subprocess.Popen[bytes]":
    """Start the uploader of this process's journal. What it says to people goes to standard error."""
    arguments = [str(journal.path), str(journal.descriptor), str(os.getpid())]
    return subprocess.Popen(
        [sys.executable, "-m", "tasks.tracking.uploader", *arguments],
        stdin=subprocess.PIPE,
        stdout=2,
        stderr=subprocess.DEVNULL,
        pass_fds=[journal.descriptor],
        start_new_session=True,
    )


def finish_upload(process: "subprocess.Popen[bytes]") -> None:
    """Wait for the uploader after the journal's last record, for at most ``END_TIMEOUT``."""
    assert process.stdin
    process.stdin.close()
    try:
        process.wait(END_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Uploader:
    """Publishes the journal of a running stage, and journals that other stages left."""

    def __init__(self, journal: Journal, stage_pid: int) -> None:
        self._journal = journal
        self._publication = Publication(journal)
        self._stage_pid = stage_pid
        self._stage = "tracking"
        self._monitor: SystemMetricsMonitor | None = None
        self._gone_since: float | None = None
        self._failing = False
        self._failed: set[Path] = set()

    def run(self) -> None:
        """Work until the stage is gone and its journal is published, or MLflow takes nothing."""
        while True:
            try:
                self._publish_own()
            except Exception as error:
                self._note_failure(error)
                if self._gone_since and time.monotonic() > self._gone_since + SILENCE_TIMEOUT:
                    return
                self._wait(RETRY_INTERVAL)
                continue
            self._note_success()
            self._publish_others()
            if not self._journal.path.exists():
                return
            self._wait(POLL_INTERVAL)

    def _publish_own(self) -> None:
        opening = self._journal.opening
        if opening and not self._monitor:
            self._stage = opening["stage"]
            for path in journals():  # in order: each execution of a stage must find the metrics of the one before
                other = read_opening(path)
                if path < self._journal.path and other and other["identity"] == opening["identity"]:
                    publish_left(path)
                    if path.exists() and other["address"] == opening["address"]:
                        return  # another process publishes it now
        self._publication.publish(left=self._gone_since is not None)
        if opening and not self._monitor and not self._gone_since:
            self._monitor = start_monitor(self._publication.run.id)

    def _publish_others(self) -> None:
        for path in journals():
            if path not in self._failed:
                try:
                    publish_left(path)
                except Exception:
                    self._failed.add(path)  # the next stage tries it again

    def _wait(self, seconds: float) -> None:
        """Sleep, until the stage is gone at most."""
        if self._gone_since:
            time.sleep(0.5)
        elif select.select([sys.stdin], [], [], seconds)[0] or os.getppid() != self._stage_pid:
            self._gone_since = time.monotonic()
            signal.alarm(END_TIMEOUT)  # ends this process, whatever it waits for

    def _note_failure(self, error: Exception) -> None:
        if not self._failing:
            tell(
                f"{self._stage}: MLflow at {without_credentials(tracking_uri())} takes nothing ({root_cause(error)}); "
                f"the stage goes on, and its records are kept in {JOURNALS}"
            )
        self._failing = True
        if self._monitor:
            self._monitor.finish()
            self._monitor = None

    def _note_success(self) -> None:
        if self._failing:
            tell(f"{self._stage}: MLflow at {without_credentials(tracking_uri())} takes records again")
        self._failing = False
        if self._journal.path.exists():
            return
        for name, why in self._publication.refused.items():
            tell(f"{self._stage}: MLflow does not accept {name}: {why}")


def start_monitor(run: str) -> "SystemMetricsMonitor":
    """MLflow's own metrics of processors, memory, disk, network and GPUs, which it logs by itself."""
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    monitor = SystemMetricsMonitor(run, resume_logging=True)
    monitor.start()
    return monitor


def tell(line: str) -> None:
    """Print a line for people, unless nobody is there any more."""
    with contextlib.suppress(BrokenPipeError):
        print(line, flush=True)


def main() -> None:
    """Arguments: the journal, its descriptor, the stage's process id."""
    collect_rarely()
    path, descriptor, stage_pid = sys.argv[1:]
    with server.short_timeouts():
        import mlflow  # noqa: F401  # takes seconds, in which DVC identifies the stage

        Uploader(Journal(Path(path), int(descriptor)), int(stage_pid)).run()


if __name__ == "__main__":
    main()
