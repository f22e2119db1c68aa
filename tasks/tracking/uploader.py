"""The process beside a stage that delivers what it records: ``python -m tasks.tracking.uploader JOURNAL OWNER``.

A process of its own: MLflow takes seconds to import, which a thread would take from the stage; imports of two threads
can deadlock; and when the stage is killed, someone is left to say so. It is in a session of its own, so that what
ends the stage's group does not end it, and it ends by itself within seconds of its stage.

On its standard output are lines for people. The end of its input says that the stage is about to end.
"""

import argparse
import contextlib
import os
import select
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from ftn_core.utils.garbage_collection import collect_rarely
from registry import server
from registry.address import reason, redact, redact_url, tracking_uri
from tasks.tracking.spool import FOLDER, Spool, spools
from tasks.tracking.upload import Upload, take

if TYPE_CHECKING:
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

GRACE = 5.0
"""Seconds for which a store may be silent before a stage that ends no longer waits for it."""
LEFTOVERS = 10.0
"""Seconds after the end of the stage for journals that others left."""
IDLE, LONGEST = 0.5, 30.0
"""Seconds between two looks at the journals, and at most between two attempts on a store that does not answer."""
SAMPLING = 5.0
"""Seconds between two samples of the system's metrics."""


class Uploader:
    """Delivers the spool of a stage that runs, and when there is nothing to do, those that others left."""

    def __init__(self, own: Spool, owner: int) -> None:
        self._own = own
        self._owner = owner
        self._taken: dict[str, Upload] = {}
        self._put_off: dict[str, float] = {}
        self._ended: float | None = None
        self._silent_since: float | None = None

    def run(self) -> bool:
        """Work until the stage has ended and all is delivered, or the store does not answer; whether it was."""
        pause = IDLE
        while self._own.folder.exists():
            ended = self._look_for_the_end()
            try:
                progress = self._deliver_own()
            except Exception as error:
                silent_since = self._fails(error)
                if ended and time.monotonic() > silent_since + GRACE:
                    return False
                pause = 1.0 if ended else min(LONGEST, 2 * pause)
                self._wait(pause)
                continue
            if progress:
                self._answers()
                pause = IDLE
            elif ended and self._own.folder.exists() and time.monotonic() > ended + GRACE:
                return False  # another one is at an older execution of the same stage
            elif not self._deliver_others():
                self._wait(IDLE)
        # what others left can wait for the next stage, but where each stage is short it would wait for ever
        deadline = (self._ended or time.monotonic()) + LEFTOVERS
        while time.monotonic() < deadline and self._deliver_others():
            pass
        return True

    def _deliver_own(self) -> bool:
        """Deliver some of the stage's spool, or of an older execution of the same; whether there was anything."""
        opening = self._own.opening
        for spool in spools():
            mine = spool.name == self._own.name
            if mine or (opening and (spool.opening or {}).get("identity") == opening["identity"]):
                delivery = self._take(spool)
                if delivery:
                    gone = mine and os.getppid() != self._owner  # asked before there is nothing more to deliver
                    return self._advance(delivery, close=gone or not mine)
        return False

    def _deliver_others(self) -> bool:
        for spool in spools():
            if time.monotonic() < self._put_off.get(spool.name, 0.0) or spool.name == self._own.name:
                continue
            try:
                delivery = self._take(spool)
                if delivery and self._advance(delivery, close=True):
                    return True
            except Exception as error:
                log(error)
                self._put_off[spool.name] = time.monotonic() + LONGEST
        return False

    def _take(self, spool: Spool) -> Upload | None:
        if spool.name not in self._taken and (spool.name == self._own.name or spool.abandoned):
            delivery = take(spool)
            if delivery:
                self._taken[spool.name] = delivery
        return self._taken.get(spool.name)

    def _advance(self, delivery: Upload, *, close: bool) -> bool:
        progress = delivery.step()
        if not progress and close:
            delivery.close()
        if delivery.done:
            del self._taken[delivery.spool.name]
            for message in delivery.refused:
                say(f"{delivery.stage}: MLflow does not take {message}")
            delivery.spool.remove()
        return progress or delivery.done

    def _look_for_the_end(self) -> float | None:
        if self._ended is None and (self._stdin_closed(0.0) or os.getppid() != self._owner):
            self._ended = time.monotonic()
        return self._ended

    def _wait(self, seconds: float) -> None:
        """Sleep, but not past the end of the stage."""
        if self._ended is None:
            self._stdin_closed(seconds)
        else:
            time.sleep(seconds)

    def _stdin_closed(self, seconds: float) -> bool:
        return bool(select.select([sys.stdin], [], [], seconds)[0])

    def _fails(self, error: Exception) -> float:
        """Tell it once; since when it fails."""
        if self._silent_since is None:
            self._silent_since = time.monotonic()
            log(error)
            say(
                f"{self._stage}: MLflow at {redact_url(tracking_uri())} does not answer ({reason(error)}); "
                f"the stage goes on, and what it records is kept in {FOLDER}"
            )
        return self._silent_since

    def _answers(self) -> None:
        if self._silent_since is not None:
            self._silent_since = None
            say(f"{self._stage}: MLflow at {redact_url(tracking_uri())} answers again")

    @property
    def _stage(self) -> str:
        return (self._own.opening or {}).get("stage", "tracking")


def say(line: str) -> None:
    """Tell the stage, which prints it; unless the stage is gone."""
    with contextlib.suppress(BrokenPipeError):
        print(line, file=sys.__stdout__, flush=True)


def log(error: Exception) -> None:
    """Leave the whole story in the spool's ``uploader.log``."""
    print(redact("".join(traceback.format_exception(error))), file=sys.stderr, flush=True)


def monitor(spool: Spool) -> "SystemMetricsMonitor":
    """MLflow's own monitor of processors, memory, disk, network and GPUs, which writes to a spool."""
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    class ToJournal:
        def record_metrics(self, values: dict[str, float], step: int) -> None:
            if spool.opening:  # the stage's own entry is the first
                spool.append("metrics", values=values, step=None)

    class Monitor(SystemMetricsMonitor):  # type: ignore[misc]
        def monitor(self) -> None:  # MLflow's asks the server before each sample, and ends when it does not answer
            while not self._shutdown_event.wait(self.sampling_interval):
                self.collect_metrics()
                self.publish_metrics(self.aggregate_metrics())

    # it makes a client, which would open a database; one of a server is only made, and nothing is asked of it
    made = Monitor(run_id="", sampling_interval=SAMPLING, tracking_uri="http://127.0.0.1")
    made.mlflow_logger = ToJournal()
    return made


def main() -> None:
    """Exit code 0: all is delivered. 1: something is left in the spool."""
    parser = argparse.ArgumentParser(
        prog="python -m tasks.tracking.uploader", description="Deliver what a stage records."
    )
    parser.add_argument("spool", type=Path)
    parser.add_argument("owner", type=int, help="the stage's process")
    arguments = parser.parse_args()
    collect_rarely()
    sys.stdout = sys.stderr  # what libraries print is not for people
    spool = Spool(arguments.spool)
    uploader = Uploader(spool, arguments.owner)
    with server.short_timeouts():
        server.prepare()
        sampler = monitor(spool)
        sampler.start()
        delivered = uploader.run()
    sys.exit(0 if delivered else 1)


if __name__ == "__main__":
    main()
