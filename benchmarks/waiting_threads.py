"""OpenMP threads that wait by spinning or by sleeping: one training alone, and two at once on the same cores.

python -m benchmarks.waiting_threads [--quick]
"""

import itertools
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F

from benchmarks.harness import Report, Timing, quick
from benchmarks.processes import Process, closing
from ftn_core.runtime.device import best_precision
from ftn_core.runtime.network_file import build_network

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
CPU, in its fastest precision, with two threads each or with one. OpenMP's threads meet many times a step; a thread
that arrives early spins for a while, then sleeps. A spinning thread goes on at once, but keeps its core from other
threads. Times are for one step; two at once count the steps of both, so that on two cores the best possible time is
half of what one thread alone takes. The counts are those of GNU's OpenMP, which comes with PyTorch's Linux packages;
elsewhere they change nothing."""


def training(threads: int) -> Callable[[], None]:
    """A step as a stage takes it."""
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

    return step


def seconds_per_step(processes: Sequence[Process], seconds: float) -> float:
    """Seconds a step over all processes, which run at the same time."""
    for process in processes:
        process.start(seconds, warmup=3)
    return 1 / sum(1 / process.finish() for process in processes)


def main() -> None:
    policies = {PASSIVE: POLICIES[PASSIVE]} if quick() else POLICIES
    seconds, rounds = (0.1, 1) if quick() else (0.5, 9)
    pairs = {name: [Process(training, 2, variables=policy) for _ in range(2)] for name, policy in policies.items()}
    if not quick():
        pairs[ONE_THREAD] = [Process(training, 1) for _ in range(2)]
    alone: dict[str, list[float]] = {name: [] for name in pairs}
    both: dict[str, list[float]] = {name: [] for name in pairs}
    with closing(list(itertools.chain.from_iterable(pairs.values()))):
        for process in itertools.chain.from_iterable(pairs.values()):
            seconds_per_step([process], 0.1)  # the first steps are slow
        for _ in range(rounds):
            for name, pair in pairs.items():
                alone[name].append(seconds_per_step(pair[:1], seconds))
                both[name].append(seconds_per_step(pair, seconds))
    report = Report("waiting_threads", "Threads that wait: one training alone, and two at once", TEXT)
    for caption, found in {"One training alone, a step": alone, "Two at once, a step of either": both}.items():
        report.timings(caption, {name: Timing(times) for name, times in found.items()}, baseline=PASSIVE)
    report.save()


if __name__ == "__main__":
    main()
