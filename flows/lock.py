"""A lock on the clone: one run of the graph at a time. A later run waits, and then finds the work done."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tasks.running import lock, wait_for_stages

RUN_LOCK = Path(".ftn/run.lock")


@contextlib.contextmanager
def run_lock(owner: str, say: Callable[[str], object]) -> Iterator[int]:
    """Hold the lock in the block; gives its file descriptor. While another run has the lock, wait.

    What a killed run left is awaited (its stages) and repaired (DVC's files). A process that inherits the descriptor
    holds the lock as well.

    Args:
        owner: Who holds the lock, for the message of those that wait.
        say: Called with a line before waiting, and after a repair.

    Raises:
        UserError: ``dvc.lock`` holds conflict markers.
    """
    from flows.after_kill import repair

    RUN_LOCK.parent.mkdir(exist_ok=True)
    descriptor = os.open(RUN_LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        lock(
            descriptor,
            lambda: say(
                f"waits for {RUN_LOCK.read_text().strip() or 'another run'}, which holds this clone's run lock"
            ),
        )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{owner} (process {os.getpid()})\n".encode(), 0)
        wait_for_stages(say)
        repair(say)
        yield descriptor
    finally:
        os.close(descriptor)
