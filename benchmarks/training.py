"""Training steps: the published recipe, this project's, and the convolutions alone.

python -m benchmarks.training [--quick]
"""

import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.harness import Report, Timing, quick
from benchmarks.processes import Process, closing, interleave
from ftn_core.data.store import Store, StoreWriter
from ftn_core.degradations.noise import add_noise
from ftn_core.denoiser.transition import build_transition
from ftn_core.runtime.device import best_device, best_precision, set_up_torch
from ftn_core.runtime.network_file import build_network
from ftn_core.sources.decode import decode
from ftn_core.sources.sample import sample_photographs
from ftn_core.training.adapted import AdaptedNetwork
from ftn_core.training.batches import Batches, FreshNoise
from ftn_core.training.fabric import make_fabric
from ftn_core.utils.limits import cores
from ftn_core.utils.memory import keep_freed_memory

TEXT = """The published recipe is written here from AdaFM's options file: eager float32 in the default layout, plain
Adam, L1, data workers (one for each core) that read a pair of PNG files of 480 x 480 pixels for every crop.
Ours draws crops and noise from packed photographs, in channels_last and in the processor's fastest precision. It
keeps freed memory instead of returning it to the system at every step; the second row shows what that alone does for
the published recipe. The convolutions alone are the network's own, forward and backward, each on an input of the
right shape, in our layout and precision: a lower bound for any step that computes them so. A finetuning step trains
the transition of an FTN, the base frozen. Each variant runs in a process of its own; the epoch is measured once and
includes the start of the data workers."""

SIDE = 480
SIGMA = 0.2
PUBLISHED = "published recipe"
EPOCH = 432
"""Pairs of files in an epoch: as many as BSD500 has photographs outside the usual test set."""


class Case(NamedTuple):
    """One network with its batch: plain values, because they are passed to another process."""

    network: str
    channels: int
    depth: int
    batch: int
    crop: int

    def build(self) -> nn.Module:
        torch.manual_seed(0)
        return build_network(self.network, self.channels, self.depth)


class PngPairs(Dataset[tuple[Tensor, Tensor]]):
    """Reads and scales whole images for every crop; the short list of files is repeated up to ``length``."""

    def __init__(self, folder: Path, crop: int, length: int) -> None:
        self.pairs = [(p, folder / "noisy" / p.name) for p in sorted((folder / "clean").iterdir())]
        self.crop, self.length = crop, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        pair = self.pairs[i % len(self.pairs)]
        clean, noisy = (np.asarray(Image.open(path)).astype(np.float32) / 255 for path in pair)
        y, x = (random.randint(0, n - self.crop) for n in clean.shape[:2])
        quarters, flip = random.randint(0, 3), random.random() < 0.5

        def cut(image: np.ndarray) -> Tensor:
            piece = np.rot90(image[y : y + self.crop, x : x + self.crop], quarters)
            return torch.from_numpy(np.ascontiguousarray((piece[:, ::-1] if flip else piece).transpose(2, 0, 1)))

        return cut(noisy), cut(clean)


def published(case: tuple, folder: str, pairs: int, keep_memory: bool = False) -> Callable[[], object]:  # type: ignore[type-arg]
    """Steps of the published recipe, data included; they end after an epoch of so many pairs."""
    case = Case(*case)
    if keep_memory:
        keep_freed_memory()
    torch.set_num_threads(cores())
    device = best_device()
    network = case.build().to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)

    def steps() -> Iterator[None]:
        data = PngPairs(Path(folder), case.crop, pairs)
        for noisy, clean in DataLoader(data, case.batch, shuffle=True, num_workers=cores()):
            optimizer.zero_grad()
            F.l1_loss(network(noisy.to(device)), clean.to(device)).backward()
            optimizer.step()
            yield

    return each(steps, pairs)


def ours(case: tuple, folder: str, pairs: int, precision: str, groups: int = 0) -> Callable[[], object]:  # type: ignore[type-arg]
    """The same as ``ftn_core.training.loop.fit`` takes them; with ``groups`` those that train an FTN."""
    case = Case(*case)
    fabric = make_fabric(cores(), precision)  # type: ignore[arg-type]
    network = case.build()
    if groups:
        network = AdaptedNetwork(network, build_transition("ftn", network, 2.5, groups=groups), (SIGMA, 0.5))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=1e-4, betas=(0.9, 0.99), fused=True)
    model, wrapped = fabric.setup(network, optimizer)
    batches = Batches(
        Store(Path(folder) / "store"), FreshNoise(SIGMA, clip=False), batch_size=case.batch, crop=case.crop,
        permute_channels=True, seed=0, device=fabric.device,
    )  # fmt: skip

    def steps() -> Iterator[None]:
        for step in range(-(-pairs // case.batch)):
            noisy, clean = batches(step)
            fabric.backward(F.l1_loss(model(noisy), clean))
            wrapped.step()
            wrapped.zero_grad(set_to_none=True)
            yield

    return each(steps, pairs)


def each(steps: Callable[[], Iterator[None]], pairs: int) -> Callable[[], object]:
    """One step a call where the steps are endless, else all of an epoch."""
    if pairs == ENDLESS:
        endless = steps()
        return lambda: next(endless)
    return lambda: list(steps())


ENDLESS = 1_000_000


def convolutions(case: tuple, precision: str) -> Callable[[], object]:  # type: ignore[type-arg]
    """Forward and backward of every convolution by itself, on inputs made beforehand."""
    case = Case(*case)
    device = set_up_torch(cores())
    dtype = torch.bfloat16 if precision.startswith("bf16") else torch.float32
    calls: list[tuple[Tensor, Tensor, nn.Conv2d, bool]] = []

    def remember(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        def like(x: Tensor) -> Tensor:
            return torch.randn_like(x, dtype=dtype).contiguous(memory_format=torch.channels_last)

        assert isinstance(module, nn.Conv2d)
        calls.append((like(inputs[0]), like(output), module, inputs[0].requires_grad))

    network = case.build().to(device)
    hooks = [m.register_forward_hook(remember) for m in network.modules() if isinstance(m, nn.Conv2d)]
    network(torch.rand(case.batch, 3, case.crop, case.crop, device=device))
    for hook in hooks:
        hook.remove()
    weights = [m.weight.detach().to(dtype, memory_format=torch.channels_last) for _, _, m, _ in calls]
    biases = [None if m.bias is None else m.bias.detach().to(dtype) for _, _, m, _ in calls]

    def step() -> None:
        for (x, gradient, m, inner), weight, bias in zip(calls, weights, biases, strict=True):
            F.conv2d(x, weight, bias, m.stride, m.padding)
            torch.ops.aten.convolution_backward(
                gradient, x, weight, None if bias is None else [bias.numel()], m.stride, m.padding, m.dilation, False,
                [0, 0], m.groups, [inner, True, bias is not None],
            )  # fmt: skip

    return step


def write_data(folder: Path) -> None:
    """PNG pairs of non-overlapping squares of the sample photographs, and the same squares packed."""
    for kind in ("clean", "noisy"):
        (folder / kind).mkdir()
    with StoreWriter(folder / "store", "uint8") as writer:
        for photograph in sample_photographs():
            pixels = decode(photograph.path, min_side=64, max_pixels=10**8)
            for i in range(pixels.shape[2] // SIDE if pixels.shape[1] >= SIDE else 0):
                name, clean = f"{photograph.name}-{i}", pixels[:, :SIDE, i * SIDE : (i + 1) * SIDE]
                noisy = (add_noise(clean, SIGMA, 0, True).astype(np.float32) * 255).round().astype(np.uint8)
                for kind, image in (("clean", clean), ("noisy", noisy)):
                    Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))).save(folder / kind / f"{name}.png")
                writer.append(name, clean)


def steps_table(report: Report, title: str, case: Case, folder: str, seconds: float, rounds: int) -> None:
    best = best_precision()
    fastest = f"ours, {best}"
    recipe = partial(Process, published, tuple(case), folder, ENDLESS)
    our_steps = partial(Process, ours, tuple(case), folder, ENDLESS)
    starts = {
        PUBLISHED: partial(recipe, variables={}),
        f"{PUBLISHED}, freed memory kept": partial(recipe, True, variables={}),
        "ours, 32-true": partial(our_steps, "32-true"),
        fastest: partial(our_steps, best),
        "convolutions alone": partial(Process, convolutions, tuple(case), best),
        "finetuning, FTN of 1 group": partial(our_steps, best, 1),
        "finetuning, FTN of 16 groups": partial(our_steps, best, 16),
    }
    if quick():
        few = (PUBLISHED, fastest, "convolutions alone", "finetuning, FTN of 16 groups")
        starts = {name: starts[name] for name in few}
    variants = {name: start() for name, start in starts.items()}
    with closing(variants.values()):
        timings = interleave(variants, seconds=seconds, rounds=rounds)
    rows = [
        {
            "a step of": variant,
            "median ms": 1000 * timing.median,
            "spread": timing.spread,
            "images/s": case.batch / timing.median,
            "speed, published = 1": 1 / timing.ratio(timings[PUBLISHED]),
            "time, ours = 1": timing.ratio(timings[fastest]),
        }
        for variant, timing in timings.items()
    ]
    report.table(f"{title}; batch {case.batch} of {case.crop} px", rows)


def epoch_table(report: Report, title: str, case: Case, folder: str, pairs: int) -> None:
    best = best_precision()
    variants = {
        PUBLISHED: Process(published, tuple(case), folder, pairs, variables={}),
        f"ours, {best}": Process(ours, tuple(case), folder, pairs, best),
    }
    timings = {}
    with closing(variants.values()):
        for name, process in variants.items():
            process.start(0, warmup=0)
            timings[name] = Timing([process.finish()])
    rows = [
        {"an epoch of": name, "seconds": timing.median, "speed, published = 1": 1 / timing.ratio(timings[PUBLISHED])}
        for name, timing in timings.items()
    ]
    report.table(f"{title}: all of one epoch of {pairs} pairs", rows)


def main() -> None:
    report = Report("training", "Training", TEXT)
    cases = {
        "adafm_net, 64 channels, 16 blocks": (Case("adafm_net", 64, 16, 16, 96), 3.0, 5),
        "unshuffle_net, 32 channels, 6 blocks (default)": (Case("unshuffle_net", 32, 6, 8, 64), 1.0, 9),
    }
    if quick():
        cases = {"unshuffle_net, 8 channels, 2 blocks": (Case("unshuffle_net", 8, 2, 4, 32), 0.1, 1)}
    folder = tempfile.mkdtemp()
    try:
        write_data(Path(folder))
        for title, (case, seconds, rounds) in cases.items():
            steps_table(report, title, case, folder, seconds, rounds)
            epoch_table(report, title, case, folder, 8 if quick() else EPOCH)
    finally:
        shutil.rmtree(folder)
    report.save()


if __name__ == "__main__":
    main()
