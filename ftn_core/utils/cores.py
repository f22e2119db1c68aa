"""The number of cores that this process may use."""

import os


def cores() -> int:
    """The cores in this process's affinity mask; all cores on systems that have no such mask."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
