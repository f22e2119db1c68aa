"""How the C library keeps the memory that tensors give back."""

import ctypes
import functools
import sys


@functools.cache
def keep_freed_memory() -> None:
    """Let the C library hand out large blocks again rather than return each to the system when it is freed.

    Every activation beyond 32 MB is else mapped afresh, and the system fills it with zeros page by page as it is
    written, which can take longer than the convolution that writes it (benchmarks/training.py, inference.py). Holds
    for the whole process, from the first call; without glibc it does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        trim_threshold, mmap_max = -1, -4  # malloc.h
        mallopt(mmap_max, 0)
        mallopt(trim_threshold, 2**31 - 1)
