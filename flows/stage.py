"""Runs one stage: DVC in a process of its own."""

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from tasks import parent_death

TAIL = 20
"""Last lines of a stage that the message of its failure shows."""
STOP_TIMEOUT = 10.0
"""Seconds that a stage has to end by itself after Ctrl-C, before it is killed."""

_PERCENT = re.compile(r"(?:^|\s)(100|\d{1,2})(?:\.\d+)?\s?%(?=[\s|,;]|$)")


@dataclass(frozen=True)
class StageOutcome:
    """How a stage ended, and its last lines."""

    how: Literal["ran", "unchanged", "restored", "failed", "stopped"]
    tail: tuple[str, ...]

    @property
    def summary(self) -> str:
        """The last line of the stage itself, without DVC's report of the failure."""
        own = [line for line in self.tail if not line.startswith("ERROR: failed to reproduce")]
        return own[-1] if own else " ".join(self.tail)


class Children:
    """The child processes of one flow run. Leaving the block ends those that still run, with all their children."""

    def __init__(self, lock_descriptor: int | None = None) -> None:
        """The children inherit the descriptor of the run lock, so the lock is held while one of them lives."""
        self._lock_descriptor = lock_descriptor
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self.stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:  # from now on nothing starts
            self.stopped = True
            running = list(self._running)
        deadline = time.monotonic() + STOP_TIMEOUT
        try:
            for process in running:  # like Ctrl-C under `dvc repro`: the stage can close its MLflow run
                _signal(process, signal.SIGINT)
            for process in running:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline - time.monotonic()))
        finally:  # also when another Ctrl-C ends the wait: kill what is left of the process groups
            for process in running:
                _signal(process, signal.SIGKILL)

    @contextlib.contextmanager
    def start_dvc(
        self, arguments: list[str], env: dict[str, str] | None = None
    ) -> Iterator[subprocess.Popen[bytes] | None]:
        """Start DVC in a process and process group of its own; ``None`` when the run is being stopped."""
        with self._lock:
            process = None if self.stopped else _popen(arguments, env or {}, self._lock_descriptor)
            if process:
                self._running.add(process)
        try:
            yield process
        except BaseException:
            if process:
                _signal(process, signal.SIGKILL)
            raise
        finally:
            if process:
                process.wait()
                with self._lock:
                    self._running.discard(process)


@dataclass(frozen=True)
class OutputLine:
    """A line that a process wrote. ``overwritten``: the next line takes its place, as in a progress bar."""

    text: str
    overwritten: bool


def output_lines(process: subprocess.Popen[bytes]) -> Iterator[OutputLine]:
    """The lines of a process as it writes them, without empty ones."""
    assert process.stdout
    # newline="": \r ends a line, too, and stays in it
    for raw in io.TextIOWrapper(process.stdout, encoding="utf-8", errors="replace", newline=""):
        if line := raw.rstrip():
            yield OutputLine(line, raw.endswith("\r"))


def run_stage(
    name: str,
    children: Children,
    *,
    force: bool = False,
    env: dict[str, str] | None = None,
    on_line: Callable[[str], object],
    on_progress: Callable[[float], object],
) -> StageOutcome:
    """Let DVC bring one stage up to date, without its upstream.

    Args:
        name: The stage, as DVC names it.
        children: The flow run that owns the process.
        force: Run the stage even if nothing changed.
        env: Variables to add to the environment.
        on_line: Called with each line of output, but not with the lines of a progress bar that overwrites itself.
        on_progress: Called with each percentage, from 0 to 100, that a line contains.
    """
    # DVC takes its lock again after the command: without --wait-for-lock that can fail and lose a finished training
    arguments = ["--wait-for-lock", "repro", "--single-item", name]
    tail: deque[str] = deque(maxlen=TAIL)
    how: Literal["ran", "unchanged", "restored"] = "ran"
    running = False
    with children.start_dvc([*arguments, "--force"] if force else arguments, env) as process:
        if process is None:
            return StageOutcome("stopped", ())
        for line in output_lines(process):
            percent = _PERCENT.search(line.text)
            if percent:
                on_progress(float(percent[1]))
                if line.overwritten:
                    continue
            on_line(line.text)
            tail.append(line.text)
            running = running or line.text == f"Running stage '{name}':"
            if not running:  # later lines are the stage's own
                how = _dvc_status(name, line.text) or how
    if children.stopped and process.returncode:
        return StageOutcome("stopped", tuple(tail))
    return StageOutcome("failed" if process.returncode else how, tuple(tail))


def _dvc_status(name: str, line: str) -> Literal["unchanged", "restored"] | None:
    # The texts are in dvc/stage/__init__.py (for a stage and for a data source) and dvc/stage/cache.py. DVC restores a
    # deleted output in the same way as a hit in the run-cache.
    if line in (f"Stage '{name}' didn't change, skipping", f"'{name}' didn't change, skipping"):
        return "unchanged"
    return "restored" if line == f"Stage '{name}' is cached - skipping run, checking out outputs" else None


def _popen(arguments: list[str], env: dict[str, str], lock_descriptor: int | None) -> subprocess.Popen[bytes]:
    own_programs = str(Path(sys.executable).parent)  # a stage's `python` is this one, even if it is not activated
    path = f"{own_programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return subprocess.Popen(
        # The working directory may be at another commit, so the script is named by its path. -P keeps its folder out of
        # sys.path.
        [sys.executable, "-P", parent_death.__file__, "dvc", *arguments],
        env={**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", parent_death.RUN: str(os.getpid()), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=() if lock_descriptor is None else (lock_descriptor,),
    )


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
