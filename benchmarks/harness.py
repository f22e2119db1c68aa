"""What the benchmarks share: interleaved timing, peak memory, and results as JSON that ``render.py`` reads.

The variants of a benchmark are interleaved: each is timed once in every round. A drift of the machine's speed then
reaches all of them alike.
"""

import json
import multiprocessing
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import torch

from benchmarks.render import show
from ftn_core.utils.limits import cores

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("torch", "torchvision", "numpy", "dvc", "prefect", "mlflow")


@dataclass(frozen=True)
class Timing:
    """Seconds of each round."""

    seconds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def spread(self) -> str:
        """Smallest and largest round, as percentages of the median."""
        return f"{min(self.seconds) / self.median - 1:+.0%} .. {max(self.seconds) / self.median - 1:+.0%}"

    def ratio(self, baseline: "Timing") -> float:
        """How many times the baseline's time: the median over rounds of the two times taken in the same round."""
        return statistics.median(a / b for a, b in zip(self.seconds, baseline.seconds, strict=True))


def compare(variants: Mapping[str, Callable[[], object]], *, rounds: int = 9, warmup: int = 2) -> dict[str, Timing]:
    """Time each variant once in every round, after ``warmup`` rounds that do not count; ``--quick`` is one round."""
    if quick():
        rounds, warmup = 1, 0
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for i in range(warmup + rounds):
        for name, run in variants.items():
            synchronise()
            start = time.perf_counter()
            run()
            synchronise()
            if i >= warmup:
                seconds[name].append(time.perf_counter() - start)
    return {name: Timing(values) for name, values in seconds.items()}


def synchronise() -> None:
    """Wait until a GPU has done all its work."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def isolated(function: Callable[..., Any], *arguments: object) -> tuple[Any, float]:
    """Call a module's function in a fresh process; with ``--quick`` in this one, which is faster.

    Returns:
        Its result, and the peak memory of the process in MB beyond what it had before the call.
    """
    if quick():
        return _measured(function, arguments)
    # not multiprocessing.Pool, which waits for ever if its process dies
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measured, function, arguments).result()


def _measured(function: Callable[..., Any], arguments: tuple[object, ...]) -> tuple[Any, float]:
    before = psutil.Process().memory_info().rss
    result = function(*arguments)
    return result, _peak() - before / 2**20


def _peak() -> float:
    """Peak memory of this process in MB. On Linux ``getrusage`` would count what the parent held at the start, too."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@dataclass
class Report:
    """One benchmark's results. ``name`` is its module; ``text`` says what is compared, and how."""

    name: str
    title: str
    text: str
    tables: list[dict[str, Any]] = field(default_factory=list)

    def table(self, caption: str, rows: list[dict[str, Any]]) -> None:
        """Add a table and print it: rows by column name; numbers stay numbers until they are rendered."""
        self.tables.append({"caption": caption, "rows": rows})
        print(f"\n{caption}", flush=True)
        for row in rows:
            print("  " + "  ".join(f"{key}: {show(value)}" for key, value in row.items()), flush=True)

    def timings(self, caption: str, timings: Mapping[str, Timing], baseline: str, per: int = 1) -> None:
        """Add a table of variants beside a baseline; ``per`` items were done in each round."""
        rows = [
            {
                "variant": name,
                "median ms": 1000 * timing.median / per,
                "spread": timing.spread,
                f"time, {baseline} = 1": timing.ratio(timings[baseline]),
            }
            for name, timing in timings.items()
        ]
        self.table(caption, rows)

    def save(self) -> None:
        """Write ``results/NAME.json``, or ``NAME.cuda.json`` from a machine with a GPU; with ``--quick`` nothing."""
        if quick():
            return
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.name}{'.cuda' if torch.cuda.is_available() else ''}.json"
        about = {
            "title": self.title,
            "text": " ".join(self.text.split()),
            "command": f"python -m benchmarks.{self.name}",
            "machine": machine(),
            "commit": _git("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"),
            "date": datetime.now(UTC).date().isoformat(),
            "versions": {"python": platform.python_version(), **versions()},
        }
        path.write_text(json.dumps({**about, "tables": self.tables}, indent=1) + "\n")
        print(f"\nwritten to {path.relative_to(RESULTS.parent.parent)}; `python -m benchmarks.render` shows it")


def machine() -> str:
    """Processor, cores, instructions and memory in words; no host names."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next((line.split(":")[1].strip() for line in info.splitlines() if "model name" in line), platform.machine())
    bf16 = "with" if "avx512_bf16" in info else "without"
    instructions = f"{torch.backends.cpu.get_cpu_capability()} {bf16} bf16"
    memory = psutil.virtual_memory().total / 2**30
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{model}, {cores()} cores, {instructions}, {memory:.0f} GB{gpu}"


def _git(*arguments: str) -> str:
    result = subprocess.run(["git", *arguments], cwd=RESULTS.parent, capture_output=True, text=True)
    return result.stdout.strip() or "unknown"


def versions() -> dict[str, str]:
    """Of the packages that decide speed and results."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except ImportError:  # ftn_core needs less than the pipeline
            continue
    return found


def quick() -> bool:
    """Whether ``--quick`` was given: one round and small sizes, to see that a benchmark runs; nothing is saved."""
    return "--quick" in sys.argv[1:]
