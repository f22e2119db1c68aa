"""The part ``checks``: the CUDA tests, and what benchmarks say of speed and memory; each once, within its time."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import torch

from benchmarks.gpu import GPU, ROOT
from benchmarks.gpu.processes import end
from benchmarks.harness import RESULTS
from ftn_core.utils.messages import complain, say
from tasks.parent_death import end_with_parent

CHECKS = {
    "tests": (60, ["pytest", "-m", "cuda", "-p", "no:cacheprovider", "tests/ftn_core"]),
    "steps": (90, ["benchmarks.steps"]),
    "training": (180, ["benchmarks.training"]),
    "inference": (180, ["benchmarks.inference"]),
}
"""Seconds at most, and the module with its arguments."""


def main() -> int:
    """Arguments: the part's name and the seconds that are left to it. Exit code 1: a check failed or took too long."""
    end_with_parent()
    folder, until = GPU / sys.argv[1], time.monotonic() + float(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name, (limit, command) in CHECKS.items():
        log = folder / f"{name}.txt"
        if not log.exists():
            failed += not _passes(name, command, log, min(limit, until - time.monotonic()))
    return int(bool(failed))


def _passes(name: str, command: list[str], log: Path, seconds: float) -> bool:
    """Run a check, with small sizes where there is no GPU. Its log has its last name once it has ended by itself."""
    quick = ["--quick"] if command[0] != "pytest" and not torch.cuda.is_available() else []
    partial = log.with_suffix(".partial")
    with partial.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *command, *quick], cwd=ROOT, stdout=file, stderr=subprocess.STDOUT
        )
        try:
            code = process.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            complain(f"{name}: stopped after {seconds:.0f} s")
            return False
        finally:
            end(process)
    partial.replace(log)
    found = RESULTS / f"{name}.cuda.json"
    if found.exists():
        shutil.copy2(found, log.parent)
    say(f"{name}: ended with {code}; {log.read_text().strip().splitlines()[-1]}")
    return code in (0, 5)  # 5: without a GPU no test is left


if __name__ == "__main__":
    sys.exit(main())
