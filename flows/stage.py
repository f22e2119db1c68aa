"""One stage, run by DVC in a process of its own."""

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
"""Last lines of a stage that are kept for the message of its failure."""
GRACE = 10.0
"""Seconds that a stage has to end by itself after Ctrl-C, before it is killed."""

_PERCENT = re.compile(r"(?:^|\s)(100|\d{1,2})(?:\.\d+)?\s?%(?=[\s|,;]|$)")


@dataclass(frozen=True)
class Outcome:
    """How a stage ended, and its last lines."""

    how: Literal["ran", "unchanged", "restored", "failed", "stopped"]
    tail: tuple[str, ...]

    @property
    def summary(self) -> str:
        """The last line that is the stage's own and not DVC's report of the failure."""
        own = [line for line in self.tail if not line.startswith("ERROR: failed to reproduce")]
        return own[-1] if own else " ".join(self.tail)


class Children:
    """The processes of one flow run. Leaving the block ends those that still run, with all their children."""

    def __init__(self, turn: int | None = None) -> None:
        """``turn``: a descriptor that they inherit, so that the turn is not over while one of them lives."""
        self._turn = turn
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self.stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:  # from here on nothing starts
            self.stopped = True
            running = list(self._running)
        deadline = time.monotonic() + GRACE
        try:
            for process in running:  # as Ctrl-C does under `dvc repro`: the stage can close its MLflow run
                _signal(process, signal.SIGINT)
            for process in running:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline - time.monotonic()))
        finally:  # whoever is left of the groups, also when an short_timeouts Ctrl-C ends the wait
            for process in running:
                _signal(process, signal.SIGKILL)

    @contextlib.contextmanager
    def start_dvc(
        self, arguments: list[str], env: dict[str, str] | None = None
    ) -> Iterator[subprocess.Popen[bytes] | None]:
        """Start DVC in a process and group of its own; ``None`` when the run is being stopped."""
        with self._lock:
            process = None if self.stopped else _popen(arguments, env or {}, self._turn)
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
class Line:
    """A line that a process wrote; ``overwritten``: the next one takes its place, as those of a bar do."""

    text: str
    overwritten: bool


def follow(process: subprocess.Popen[bytes]) -> Iterator[Line]:
    """What a process writes, as it comes, without empty lines."""
    assert process.stdout
    # newline="": \r ends a line too, and is seen
    for raw in io.TextIOWrapper(process.stdout, encoding="utf-8", errors="replace", newline=""):
        if line := raw.rstrip():
            yield Line(line, raw.endswith("\r"))


def run_stage(
    name: str,
    children: Children,
    *,
    force: bool = False,
    env: dict[str, str] | None = None,
    on_line: Callable[[str], object],
    on_progress: Callable[[float], object],
) -> Outcome:
    """Let DVC bring one stage up to date, without its upstream, and pass on its output as it comes.

    A percentage anywhere in a line is progress. A bar that overwrites itself is reported only as that.
    """
    # without --wait-for-lock a finished training can be lost: DVC takes its lock again after the command
    arguments = ["--wait-for-lock", "repro", "--single-item", name]
    tail: deque[str] = deque(maxlen=TAIL)
    how: Literal["ran", "unchanged", "restored"] = "ran"
    running = False
    with children.start_dvc([*arguments, "--force"] if force else arguments, env) as process:
        if process is None:
            return Outcome("stopped", ())
        for line in follow(process):
            percent = _PERCENT.search(line.text)
            if percent:
                on_progress(float(percent[1]))
                if line.overwritten:
                    continue
            on_line(line.text)
            tail.append(line.text)
            running = running or line.text == f"Running stage '{name}':"
            if not running:  # afterwards the stage itself speaks
                how = _verdict(name, line.text) or how
    if children.stopped and process.returncode:
        return Outcome("stopped", tuple(tail))
    return Outcome("failed" if process.returncode else how, tuple(tail))


def _verdict(name: str, line: str) -> Literal["unchanged", "restored"] | None:
    # dvc/stage/__init__.py (a stage, or a data source) and dvc/stage/cache.py. A deleted output takes the
    # same way through the cache as a hit in the run cache
    if line in (f"Stage '{name}' didn't change, skipping", f"'{name}' didn't change, skipping"):
        return "unchanged"
    return "restored" if line == f"Stage '{name}' is cached - skipping run, checking out outputs" else None


def _popen(arguments: list[str], env: dict[str, str], turn: int | None) -> subprocess.Popen[bytes]:
    own_programs = str(Path(sys.executable).parent)  # a stage's `python` is this one, activated or not
    path = f"{own_programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return subprocess.Popen(
        # by its path, and without that folder in the way of imports: the working directory may be at another commit
        [sys.executable, "-P", parent_death.__file__, *arguments],
        env={**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=() if turn is None else (turn,),
    )


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
