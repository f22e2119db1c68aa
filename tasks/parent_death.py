"""Processes that end when their parent ends.

Run as a script, it runs a module in such a process: ``python tasks/parent_death.py MODULE ARGUMENTS``.
"""

import ctypes
import os
import runpy
import signal
import sys

RUN = "FTN_RUN_PROCESS"
"""Environment variable with the id of the process that runs the graph."""
_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Have the kernel send SIGTERM to this process when its parent ends, however that ends. Linux only.

    A killed orchestrator cannot end its stages itself. Without this they would go on beside those of the next run.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if RUN in os.environ and not _descends_from(int(os.environ[RUN])):
            sys.exit(128 + signal.SIGTERM)  # the parent ended before the kernel knew what to do then


def _descends_from(process: int) -> bool:
    import psutil

    return process in {parent.pid for parent in psutil.Process().parents()}


if __name__ == "__main__":
    end_with_parent()
    runpy.run_module(sys.argv.pop(1), run_name="__main__")
