"""The uploader of a spool, as the stage sees it: started, listened to, waited for, and never for long."""

import contextlib
import os
import subprocess
import sys
import threading
import time

from tasks.tracking.spool import Spool

STALLED = 30.0
"""Seconds without progress after which the stage no longer waits for what a uploader has still to deliver."""


class UploaderProcess:
    """A uploader process beside this one."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.quiet = False
        """Whether the stage itself tells that MLflow does not answer."""
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "tasks.tracking.uploader", str(self._spool.folder), str(os.getpid())]
        # its errors go to a file: whoever reads the stage's output until its end must not wait for another process
        with (self._spool.folder / "uploader.log").open("a") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            )
        self._listener = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._listener.start()

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout
        for line in process.stdout:
            if not self.quiet:
                print(line, end="", file=sys.stderr, flush=True)

    def flush(self) -> bool:
        """After the spool's last entry: let the uploader finish, as long as it gets on; whether it did."""
        if self._process.poll() is not None and self._spool.folder.exists():
            self._start()  # somebody killed it
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        seen, deadline = self._spool.delivered, time.monotonic() + STALLED
        while True:
            try:
                self._process.wait(1.0)
                break
            except subprocess.TimeoutExpired:
                if seen != (now := self._spool.delivered):
                    seen, deadline = now, time.monotonic() + STALLED
                elif time.monotonic() > deadline:
                    break
        self.stop()
        return not self._spool.folder.exists()

    def stop(self) -> None:
        """End the uploader now; what it has not delivered stays in the spool."""
        self._process.kill()
        self._process.wait()
        self._listener.join(1.0)
