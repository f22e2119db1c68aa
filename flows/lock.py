"""A lock on the clone: one run of the graph at a time. A later run waits, and then finds the work done."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

RUN_LOCK = Path(".ftn/run.lock")


@contextlib.contextmanager
def run_lock(owner: str, on_wait: Callable[[str], object]) -> Iterator[int]:
    """Hold the lock in the block; gives its file descriptor. While another run has the lock, wait.

    A process that inherits the descriptor holds the lock as well. So a stage that outlives its killed flow still keeps
    the next run waiting.

    Args:
        owner: Who holds the lock, for the message of those that wait.
        on_wait: Called with that message before waiting.
    """
    RUN_LOCK.parent.mkdir(exist_ok=True)
    descriptor = os.open(RUN_LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait(f"waits for {RUN_LOCK.read_text().strip() or 'another run'}, which holds this clone's run lock")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{owner} (process {os.getpid()})\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)
