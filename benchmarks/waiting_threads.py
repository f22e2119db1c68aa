"""Two trainings at once: OpenMP threads that spin while they wait, against threads that sleep.

    python benchmarks/waiting_threads.py [--seconds 5] [--rounds 5]

Prints steps/s of both processes together, median and spread over the rounds, and the ratio to spinning. The two
policies take turns within one run, so a machine whose speed drifts shows both the same.
"""

import argparse
import os
import statistics
import subprocess
import sys

WORKER = """
import sys, time, torch
import torch.nn.functional as F
from ftn_core.networks import build_network
torch.set_num_threads(2)
network = build_network("unshuffle_net", 32, 6).to(memory_format=torch.channels_last)
optimizer = torch.optim.Adam(network.parameters(), 1e-3)
def step():
    x = torch.rand(8, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    F.l1_loss(network(x), x).backward()
    optimizer.step()
    optimizer.zero_grad()
for _ in range(3):
    step()
end, steps = time.monotonic() + float(sys.argv[1]), 0
while time.monotonic() < end:
    step()
    steps += 1
print(steps / float(sys.argv[1]))
"""


def two_at_once(policy: str, seconds: float) -> float:
    """Steps per second of two processes together, each with two threads."""
    env = os.environ | {"OMP_WAIT_POLICY": policy}
    command = [sys.executable, "-c", WORKER, str(seconds)]
    processes = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    return sum(float(process.communicate()[0]) for process in processes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    rates: dict[str, list[float]] = {"ACTIVE": [], "PASSIVE": []}
    for _ in range(given.rounds):
        for policy, measured in rates.items():
            measured.append(two_at_once(policy, given.seconds))
    spinning = statistics.median(rates["ACTIVE"])
    for policy, measured in rates.items():
        median = statistics.median(measured)
        print(
            f"{policy:8} median {median:6.2f} steps/s, from {min(measured):.2f} to {max(measured):.2f}, "
            f"{median / spinning:.2f} of spinning"
        )


if __name__ == "__main__":
    main()
