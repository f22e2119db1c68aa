"""A training step: eager, captured as a CUDA graph as the training loop does, compiled, and both.

python -m benchmarks.steps [--quick]
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.harness import Report, compare, quick
from ftn_core.runtime.network_file import build_network
from ftn_core.training.cuda_graph import GraphedStep
from ftn_core.training.fabric import make_fabric
from ftn_core.utils.limits import cores

TEXT = """One step of Adam with a batch that is on the device already, in the fastest precision and channels_last.
Without a GPU nothing is captured. Compiling is torch.compile's default."""

SMALL = (("adafm_net", 8, 1), 2, 32)
CASES = ((("adafm_net", 64, 16), 32, 64), (("unshuffle_net", 64, 8), 32, 64))
"""Networks of the presets paper and photo, with their batches on a GPU."""


def stepper(kind: tuple[str, int, int], batch: int, crop: int, compiled: bool, captured: bool) -> Callable[[], object]:
    """A step of the network, as ``ftn_core.training.loop.fit`` takes it."""
    fabric = make_fabric(cores(), "auto")
    torch.manual_seed(0)
    network = build_network(*kind).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(network.parameters(), 1e-4, fused=True, capturable=fabric.device.type == "cuda")
    model, wrapped = fabric.setup(network, optimizer)
    take = torch.compile(model) if compiled else model

    def step(x: Tensor) -> Tensor:
        wrapped.zero_grad(set_to_none=True)
        with fabric.autocast():
            loss = F.l1_loss(take(x), x)
        fabric.backward(loss)
        wrapped.step()
        return loss.detach()

    run = GraphedStep(step) if captured else step
    x = torch.rand(batch, 3, crop, crop, device=fabric.device).contiguous(memory_format=torch.channels_last)
    return lambda: run(x)


def main() -> None:
    report = Report("steps", "Training steps, captured and compiled", TEXT)
    gpu = torch.cuda.is_available()
    for kind, batch, crop in [SMALL] if quick() else CASES:
        variants = {
            f"{'compiled' if compiled else 'eager'}{', captured' if captured else ''}": stepper(
                kind, batch, crop, compiled, captured
            )
            for captured in ((False, True) if gpu else (False,))
            for compiled in ((False,) if quick() else (False, True))
        }
        name, channels, depth = kind
        caption = f"{name}, {channels} channels, {depth}; batch {batch} of {crop} px"
        report.timings(caption, compare(variants, rounds=30, warmup=5), "eager")
    report.save()


if __name__ == "__main__":
    main()
