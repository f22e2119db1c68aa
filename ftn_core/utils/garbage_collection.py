"""Python's garbage collector, for processes that import much, work, and end."""

import atexit
import gc


def collect_rarely() -> None:
    """Collect seldom while the process runs, and not at all when it ends.

    Importing PyTorch, MLflow, DVC or Prefect makes half a million objects, and all of them stay. At its usual pace the
    collector looks through them a dozen times, and again when the interpreter ends: a second or two of every stage
    (benchmarks/overheads.py). Garbage in cycles is found after 10,000 new objects instead of 700.
    """
    gc.set_threshold(10_000, 500, 50)
    atexit.register(gc.freeze)  # what is frozen is not looked through; registered first, it runs after all others
