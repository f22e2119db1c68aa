"""Ends a process with all that it has started, also in sessions of their own."""

import contextlib
import subprocess

import psutil


def end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and all below it; does nothing if it has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid)
        for one in [*family.children(recursive=True), family]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
    process.wait()
