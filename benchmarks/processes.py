"""Variants in processes of their own, each with its own environment, stopped while another one is timed.

Allocator settings, spinning threads and data workers of one variant then cannot slow another one down.
"""

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from benchmarks.harness import Timing, synchronise

ROOT = Path(__file__).parent.parent
STAGE = {"GOMP_SPINCOUNT": "1000"}
"""What the pipeline's stages set (tasks/__main__.py)."""


class Process:
    """Calls ``function(*arguments)`` once; what that returns is then called again and again, on demand."""

    def __init__(
        self, function: Callable[..., Callable[[], object]], *arguments: object, variables: Mapping[str, str] = STAGE
    ) -> None:
        module = function.__module__ if function.__module__ != "__main__" else f"benchmarks.{Path(sys.argv[0]).stem}"
        code = f"from benchmarks.processes import serve; serve({module!r}, {function.__name__!r}, {arguments!r})"
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "MALLOC_"))}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**inherited, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # data workers are stopped with it
        )

    def start(self, seconds: float, warmup: int = 1) -> None:
        """Begin: ``warmup`` calls that do not count, then calls for so many seconds, at least one."""
        os.killpg(self.process.pid, signal.SIGCONT)
        assert self.process.stdin is not None
        print(seconds, warmup, file=self.process.stdin, flush=True)

    def finish(self) -> float:
        """Wait for the end of what ``start`` began; returns seconds a call."""
        assert self.process.stdout is not None
        answer = self.process.stdout.readline()
        os.killpg(self.process.pid, signal.SIGSTOP)
        return float(answer)

    def close(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def closing(processes: Iterable[Process]) -> Iterator[None]:
    """End the processes when the block ends."""
    try:
        yield
    finally:
        for process in processes:
            process.close()


def interleave(variants: Mapping[str, Process], *, seconds: float, rounds: int) -> dict[str, Timing]:
    """Run each variant once in every round; returns seconds a call."""
    found: dict[str, list[float]] = {name: [] for name in variants}
    for i in range(rounds + 1):
        for name, process in variants.items():
            process.start(seconds if i else 0)
            took = process.finish()
            if i:  # the first round starts threads and data workers
                found[name].append(took)
    return {name: Timing(values) for name, values in found.items()}


def serve(module: str, name: str, arguments: tuple[object, ...]) -> None:
    """What runs in a ``Process``: for each line of standard input it makes the calls and prints seconds a call."""
    results, sys.stdout = sys.stdout, sys.stderr
    run = getattr(importlib.import_module(module), name)(*arguments)
    for line in sys.stdin:
        seconds, warmup = line.split()
        for _ in range(int(warmup)):
            run()
        synchronise()
        start, calls = time.perf_counter(), 0
        while not calls or time.perf_counter() - start < float(seconds):
            run()
            calls += 1
        synchronise()
        print((time.perf_counter() - start) / calls, file=results, flush=True)
