"""One run of the graph at a time in one clone: whoever comes later waits, and then finds the work done.

``python -m flows.lock repro`` is ``dvc repro`` that waits.
"""

import contextlib
import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

TURN = Path(".ftn/turn")


@contextlib.contextmanager
def turn(who: str, on_wait: Callable[[str], object]) -> Iterator[int]:
    """Wait until nobody else has the turn, hold it in the block; gives the descriptor that holds it.

    A process that inherits the descriptor holds the turn, too: a stage that outlives the run that started it, because
    that was killed, is waited for.
    """
    TURN.parent.mkdir(exist_ok=True)
    descriptor = os.open(TURN, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait(f"waits for {TURN.read_text().strip() or 'another run'}, which has this clone's turn")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{who} (process {os.getpid()})\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def main() -> int:
    """DVC, in its turn; its own exit codes, and 130 after Ctrl-C."""
    from dvc.cli import main as dvc

    from flows.stale_outputs import remove_leftovers

    say = partial(print, flush=True)
    try:
        with turn(f"dvc {' '.join(sys.argv[1:])}", say):
            remove_leftovers(say)
            return int(dvc(["--wait-for-lock", *sys.argv[1:]]))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
