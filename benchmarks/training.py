"""Training steps: the published recipe, this project's, and the convolutions alone.

python -m benchmarks.training [--quick]
"""

import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.harness import Report, compare, cores, quick
from ftn_core.adapted import AdaptedNetwork
from ftn_core.data.batches import Batches
from ftn_core.data.decode import decode
from ftn_core.data.noise import add_noise
from ftn_core.data.sample import sample_photographs
from ftn_core.data.store import Store, StoreWriter
from ftn_core.device import best_precision, make_fabric
from ftn_core.networks import build_network
from ftn_core.transitions import build_transition

TEXT = """The published recipe is written here from AdaFM's options file: eager float32 in the default layout, plain
Adam, L1, data workers (one for each core) that read a pair of PNG files of 480 x 480 pixels for every crop.
Ours draws crops and noise from packed photographs, in channels_last and in the precision that the processor
is good at. The convolutions alone are the network's own, forward and backward, each on an input of the
right shape, in our layout and precision: what no step of this network could fall below. A finetuning step
trains the transition of an FTN, the base frozen. The workers refill while other variants have their turn,
which favours the published recipe."""

SIDE = 480
SIGMA = 0.2


def sub_images(side: int) -> Iterator[tuple[str, np.ndarray]]:
    """Non-overlapping squares of the sample photographs, ``3 x side x side``, as the published data are prepared."""
    for photograph in sample_photographs():
        pixels = decode(photograph.path, min_side=64, max_pixels=10**8)
        for i in range(pixels.shape[2] // side):
            if pixels.shape[1] >= side:
                yield f"{photograph.name}-{i}", pixels[:, :side, i * side : (i + 1) * side]


class PngPairs(Dataset[tuple[Tensor, Tensor]]):
    """Whole images are read and scaled for every crop; ``repeat`` makes the short list of files an epoch."""

    def __init__(self, folder: Path, crop: int, repeat: int) -> None:
        self.pairs = [(p, folder / "noisy" / p.name) for p in sorted((folder / "clean").iterdir())] * repeat
        self.crop = crop

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        clean, noisy = (np.asarray(Image.open(path)).astype(np.float32) / 255 for path in self.pairs[i])
        y, x = (random.randint(0, n - self.crop) for n in clean.shape[:2])
        turns, flip = random.randint(0, 3), random.random() < 0.5

        def cut(image: np.ndarray) -> Tensor:
            piece = np.rot90(image[y : y + self.crop, x : x + self.crop], turns)
            return torch.from_numpy(np.ascontiguousarray((piece[:, ::-1] if flip else piece).transpose(2, 0, 1)))

        return cut(noisy), cut(clean)


def published(network: nn.Module, folder: Path, batch: int, crop: int, device: torch.device) -> Callable[[], None]:
    """A step of the published recipe, data included."""
    network = network.to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    loader = DataLoader(PngPairs(folder, crop, 10_000), batch, shuffle=True, num_workers=cores(), pin_memory=False)
    pairs = iter(loader)

    def step() -> None:
        noisy, clean = next(pairs)
        optimizer.zero_grad()
        F.l1_loss(network(noisy.to(device)), clean.to(device)).backward()
        optimizer.step()

    return step


def ours(network: nn.Module, store: Store, batch: int, crop: int, precision: str) -> Callable[[], None]:
    """A step as ``ftn_core.training.fit`` takes it, data included."""
    fabric = make_fabric(cores(), precision)  # type: ignore[arg-type]
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=1e-4, betas=(0.9, 0.99), fused=True)
    model, wrapped = fabric.setup(network, optimizer)
    batches = Batches(
        store, None, sigma=SIGMA, clip=False, batch_size=batch, crop=crop, permute_channels=True, seed=0,
        device=fabric.device,
    )  # fmt: skip
    count = iter(range(10**9))

    def step() -> None:
        noisy, clean = batches(next(count))
        fabric.backward(F.l1_loss(model(noisy), clean))
        wrapped.step()
        wrapped.zero_grad(set_to_none=True)

    return step


def convolutions(network: nn.Module, batch: int, crop: int, precision: str, device: torch.device) -> Callable[[], None]:
    """Forward and backward of every convolution by itself, on inputs that are there already."""
    dtype = torch.bfloat16 if precision.startswith("bf16") else torch.float32
    calls: list[tuple[Tensor, Tensor, nn.Conv2d, bool]] = []

    def remember(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        def like(x: Tensor) -> Tensor:
            return torch.randn_like(x, dtype=dtype).contiguous(memory_format=torch.channels_last)

        assert isinstance(module, nn.Conv2d)
        calls.append((like(inputs[0]), like(output), module, inputs[0].requires_grad))

    network = network.to(device)
    hooks = [m.register_forward_hook(remember) for m in network.modules() if isinstance(m, nn.Conv2d)]
    network(torch.rand(batch, 3, crop, crop, device=device))
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


def main() -> None:
    report = Report("training", "Training", TEXT)
    precision = best_precision()
    cases = {"adafm_net, 64 channels, 16 blocks": ("adafm_net", 64, 16, 16, 96, 5)}
    cases["unshuffle_net, 32 channels, 6 blocks (default)"] = ("unshuffle_net", 32, 6, 8, 64, 25)
    if quick():
        cases = {"unshuffle_net, 8 channels, 2 blocks": ("unshuffle_net", 8, 2, 4, 32, 3)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in ("clean", "noisy"):
            (folder / kind).mkdir()
        with StoreWriter(folder / "store", "uint8") as writer:
            for label, pixels in sub_images(SIDE):
                noisy = (add_noise(pixels, SIGMA, 0, True).astype(np.float32) * 255).round().astype(np.uint8)
                for kind, image in (("clean", pixels), ("noisy", noisy)):
                    Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))).save(folder / kind / f"{label}.png")
                writer.append(label, pixels)
        store = Store(folder / "store")
        device = make_fabric(cores()).device
        for case, (kind, channels, depth, batch, crop, rounds) in cases.items():

            def fresh(kind: str = kind, channels: int = channels, depth: int = depth) -> nn.Module:
                torch.manual_seed(0)
                return build_network(kind, channels, depth).to(device)

            base = fresh()
            variants = {
                "published recipe": published(fresh(), folder, batch, crop, device),
                "ours, float32": ours(fresh(), store, batch, crop, "32-true"),
                f"ours, {precision}": ours(fresh(), store, batch, crop, precision),
                "convolutions alone": convolutions(fresh(), batch, crop, precision, device),
            }
            for groups in (1, 16):
                adapted = AdaptedNetwork(base, build_transition("ftn", base, groups=groups))
                variants[f"finetuning, FTN of {groups} groups"] = ours(adapted, store, batch, crop, precision)
            timings = compare(variants, rounds=rounds)
            fast = timings[f"ours, {precision}"]
            rows = [
                {
                    "a step of": variant,
                    "median ms": 1000 * timing.median,
                    "spread": timing.spread,
                    "images/s": batch / timing.median,
                    "speed, published = 1": 1 / timing.ratio(timings["published recipe"]),
                    "time, ours = 1": timing.ratio(fast),
                }
                for variant, timing in timings.items()
            ]
            report.table(f"{case}; batch {batch} of {crop} px", rows)
    if not quick():
        report.save()


if __name__ == "__main__":
    main()
