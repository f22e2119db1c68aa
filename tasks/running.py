"""A lock that every stage of the graph shares for as long as it runs.

The stages of a killed run take a moment to end. Beside those of the next run they would write the same files.
"""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

STAGES_LOCK = Path(".ftn/stages.lock")


def mark_as_running() -> None:
    """Hold the lock until this process has ended, however it ends."""
    fcntl.flock(_open(), fcntl.LOCK_SH)


def wait_for_stages(on_wait: Callable[[str], object]) -> None:
    """Wait until no stage runs; ``on_wait`` is called with a message before waiting."""
    descriptor = _open()
    try:
        lock(descriptor, lambda: on_wait("waits for a stage that an earlier run started, which has not ended yet"))
    finally:
        os.close(descriptor)


def lock(descriptor: int, on_wait: Callable[[], object]) -> None:
    """Take the exclusive lock of an open file; ``on_wait`` is called before waiting for another holder."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        on_wait()
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _open() -> int:
    STAGES_LOCK.parent.mkdir(exist_ok=True)
    return os.open(STAGES_LOCK, os.O_RDWR | os.O_CREAT, 0o644)
