"""The stage's side of its uploader: start it, print what it says, wait for it at the end but never for long."""

import contextlib
import os
import subprocess
import sys
import threading
import time

from tasks.tracking.spool import Spool

STALL_TIMEOUT = 30.0
"""Seconds for which a stage that ends waits for an uploader that makes no progress."""


class UploaderProcess:
    """An uploader as a child process.

    Args:
        quiet: whether to print nothing, because the stage itself reports that MLflow does not answer.
    """

    def __init__(self, spool: Spool, quiet: bool = False) -> None:
        self._spool = spool
        self.quiet = quiet
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "tasks.tracking.uploader", str(self._spool.folder), str(os.getpid())]
        # Its errors go to a file. Through the stage's own stderr, whoever reads that to its end would wait for this
        # process, too.
        with (self._spool.folder / "uploader.log").open("a") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            )
        self._printer = threading.Thread(target=self._print, args=(self._process,), daemon=True)
        self._printer.start()

    def _print(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout
        for line in process.stdout:
            if not self.quiet:
                print(line, end="", file=sys.stderr, flush=True)

    def flush(self) -> bool:
        """After the last entry: wait while the uploader makes progress. Returns whether everything was uploaded."""
        if self._process.poll() is not None and self._spool.folder.exists():
            self._start()  # somebody killed it
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        uploaded, deadline = self._spool.uploaded, time.monotonic() + STALL_TIMEOUT
        while True:
            try:
                self._process.wait(1.0)
                break
            except subprocess.TimeoutExpired:
                if uploaded != (now := self._spool.uploaded):
                    uploaded, deadline = now, time.monotonic() + STALL_TIMEOUT
                elif time.monotonic() > deadline:
                    break
        self.stop()
        return not self._spool.folder.exists()

    def stop(self) -> None:
        """End the uploader now. What it has not uploaded stays in the spool."""
        self._process.kill()
        self._process.wait()
        self._printer.join(1.0)
