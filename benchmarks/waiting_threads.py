"""OpenMP threads that wait by spinning or by sleeping: one training alone, and two at once on the same cores.

python -m benchmarks.waiting_threads [--quick]
"""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import torch
import torch.nn.functional as F

from benchmarks.harness import Report, Timing, quick
from ftn_core.device import best_precision
from ftn_core.networks import build_network

ROOT = Path(__file__).parent.parent
BATCH, CROP = 8, 64
PASSIVE = "sleep at once (PASSIVE)"
POLICIES = {
    PASSIVE: {"OMP_WAIT_POLICY": "PASSIVE"},
    "spin 1,000 times": {"GOMP_SPINCOUNT": "1000"},
    "spin 10,000 times": {"GOMP_SPINCOUNT": "10000"},
    "spin 100,000 times": {"GOMP_SPINCOUNT": "100000"},
    "nothing set": {},
    "spin (ACTIVE)": {"OMP_WAIT_POLICY": "ACTIVE"},
}
ONE_THREAD = "one thread each"

TEXT = """One or two processes train the default network (unshuffle_net, 32 channels, 6 blocks, batch 8 of 64 px) on the
CPU, in the precision that it is good at, with two threads each or with one. OpenMP's threads meet many times
a step; one that arrives early spins for a while, then sleeps. Spinning answers at once, and takes the core from
whoever else could use it. Times are for one step; two at once count the steps of both, so on two cores the
best to hope for is what one thread alone takes, halved. The counts are those of GNU's OpenMP, which PyTorch's
Linux packages bring along; elsewhere they change nothing."""


class Training:
    """A process that trains when told to and is stopped in between, so that its threads do not spin meanwhile."""

    def __init__(self, threads: int, variables: dict[str, str]) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_"))}
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"from benchmarks.waiting_threads import train; train({threads})"],
            cwd=ROOT,
            env=inherited | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, seconds: float) -> None:
        self.process.send_signal(signal.SIGCONT)
        assert self.process.stdin is not None
        print(seconds, file=self.process.stdin, flush=True)

    def steps_per_second(self) -> float:
        """Wait for the end of what was started."""
        assert self.process.stdout is not None
        rate = float(self.process.stdout.readline())
        self.process.send_signal(signal.SIGSTOP)
        return rate

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def train(threads: int) -> None:
    """In a process of its own: for each line of standard input train for as many seconds, print the steps/s."""
    torch.set_num_threads(threads)
    network = build_network("unshuffle_net", 32, 6).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, fused=True)
    mixed = best_precision() == "bf16-mixed"

    def step() -> None:
        x = torch.rand(BATCH, 3, CROP, CROP).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            restored = network(x)
        F.l1_loss(restored.float(), x).backward()
        optimizer.step()
        optimizer.zero_grad()

    for line in sys.stdin:
        for _ in range(3):
            step()
        start, steps = time.perf_counter(), 0
        while (elapsed := time.perf_counter() - start) < float(line):
            step()
            steps += 1
        print(steps / elapsed, flush=True)


def seconds_per_step(trainings: Iterable[Training], seconds: float) -> float:
    """Of all together, while they run at once."""
    running = list(trainings)
    for training in running:
        training.start(seconds)
    return 1 / sum(training.steps_per_second() for training in running)


def main() -> None:
    policies = dict(itertools.islice(POLICIES.items(), 2)) if quick() else POLICIES
    seconds, rounds = (0.2, 1) if quick() else (0.5, 9)
    pairs: dict[str, list[Training]] = {}
    try:
        for name, variables, threads in [*((n, v, 2) for n, v in policies.items()), (ONE_THREAD, {}, 1)]:
            pairs[name] = [Training(threads, variables) for _ in range(2)]
        for training in itertools.chain.from_iterable(pairs.values()):
            seconds_per_step([training], 0.1)  # the first steps are slow
        alone: dict[str, list[float]] = {name: [] for name in pairs}
        both: dict[str, list[float]] = {name: [] for name in pairs}
        for _ in range(rounds):
            for name, pair in pairs.items():
                alone[name].append(seconds_per_step(pair[:1], seconds))
                both[name].append(seconds_per_step(pair, seconds))
    finally:
        for training in itertools.chain.from_iterable(pairs.values()):
            training.close()
    report = Report("waiting_threads", "Threads that wait: one training alone, and two at once", TEXT)
    for caption, found in {"One training alone, a step": alone, "Two at once, a step of either": both}.items():
        report.timings(caption, {name: Timing(times) for name, times in found.items()}, baseline=PASSIVE)
    report.save()


if __name__ == "__main__":
    main()
