"""Settings of Python's garbage collector for short processes with many imports."""

import atexit
import gc


def collect_rarely() -> None:
    """Collect rarely while the process runs, and not at all at its end.

    Importing PyTorch, MLflow, DVC or Prefect creates half a million objects that live until the process ends. By
    default, CPython's garbage collector scans them a dozen times, and once more at exit. This takes a second or two of
    every stage (benchmarks/overheads.py). The new threshold starts a collection after 10,000 new objects, not 700.
    """
    gc.set_threshold(10_000, 500, 50)
    atexit.register(gc.freeze)  # frozen objects are not scanned; registered first, it runs after all other handlers
