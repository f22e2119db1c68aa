"""Makes the C library keep freed memory for new tensors."""

import ctypes
import functools
import sys


@functools.cache
def keep_freed_memory() -> None:
    """Make the C library reuse large blocks of memory, and not return each to the system when it is freed.

    By default, glibc maps new memory for every activation larger than 32 MB. The system then zeroes it page by page as
    it is written, which can take longer than the convolution that writes it (benchmarks/training.py, inference.py).

    The setting applies to the whole process from the first call on. Without glibc the function does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        trim_threshold, mmap_max = -1, -4  # malloc.h
        mallopt(mmap_max, 0)
        mallopt(trim_threshold, 2**31 - 1)
