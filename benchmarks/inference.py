"""Inference: folded networks beside their base, what a move of the dial costs, images of growing size.

python -m benchmarks.inference [--quick]
"""

import itertools
import math
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.harness import Report, compare, isolated, quick
from ftn_core.data.task import DENOISING
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.runtime.device import best_device
from ftn_core.runtime.images import restore
from ftn_core.runtime.network_file import build_network
from ftn_core.training.adapted import AdaptedNetwork
from ftn_core.utils.limits import cores

TEXT = """Networks with fresh weights and one level adapted by an FTN of one group, float32, images of random values;
time depends on neither. The unfolded network computes the level's filters in every pass, as while it is trained.
A move of the dial writes the filters of another alpha into the folded network; the first fold also computes the
level's own filters, once. Growing images are restored by the default network, each in a process of its own: in
windows of at most 1024 x 1024 pixels that overlap by the network's receptive field, and whole for comparison. Memory
is what is needed beyond the input, the output included."""

SIDE = 512
DEFAULT = ("unshuffle_net", 32, 6)


class Growth(NamedTuple):
    """One image's restoration: seconds, the size of the image in MB, and peak memory of a GPU in MB."""

    seconds: float
    image: float
    gpu: float


def denoiser_of(network: str, channels: int, depth: int) -> ContinuousDenoiser:
    torch.manual_seed(0)
    base = build_network(network, channels, depth).eval().requires_grad_(False)
    level = AdaptedLevel(0.5, "ftn", {"groups": 1}, build_transition("ftn", base, 2.5, groups=1), {})
    spec = {"name": network, "channels": channels, "depth": depth}
    return ContinuousDenoiser(DENOISING, spec, base, 0.2, [level])


def device() -> torch.device:
    torch.set_num_threads(cores())
    return best_device()


def folding(report: Report, kind: tuple[str, int, int], side: int) -> None:
    where = device()
    denoiser = denoiser_of(*kind).to(where)
    x = torch.rand(1, 3, side, side, device=where)
    folded = {alpha: denoiser.fold(alpha) for alpha in (0.37, 1.0)}
    unfolded = AdaptedNetwork(denoiser.base, denoiser.levels[0].transition, (0.2, 0.5)).eval()
    moved = denoiser.fold(0.0)
    alphas = itertools.cycle([0.25, 0.8])
    base = f"base, {side} x {side}"

    def of(network: nn.Module) -> Callable[[], Tensor]:
        return lambda: restore(network, x)

    def first_fold() -> None:
        denoiser.to(where)  # forgets the levels' filters
        denoiser.fold(0.5)

    variants: dict[str, Callable[[], object]] = {base: of(denoiser.base)}
    variants |= {f"folded, alpha {alpha}": of(network) for alpha, network in folded.items()}
    variants |= {
        "unfolded, alpha 1": of(unfolded),
        "a move of the dial": lambda: denoiser.fold(next(alphas), moved),
        "the first fold": first_fold,
    }
    name, channels, depth = kind
    report.timings(f"{name}, {channels} channels, {depth}", compare(variants, rounds=15), base)


def restored(megapixels: float, tiles: bool) -> Growth:
    """Restore an image; run in a process of its own, whose memory is measured."""
    where = device()
    network = denoiser_of(*DEFAULT).to(where).fold(0.5)
    if not tiles:
        network.radius = None  # type: ignore[assignment]
    side = round(math.sqrt(megapixels * 1e6))
    x = torch.rand(1, 3, side, side)
    restore(network, x[..., :64, :64].to(where))
    start = time.perf_counter()
    restore(network, x.to(where)).cpu()
    seconds, on_gpu = time.perf_counter() - start, where.type == "cuda"
    return Growth(seconds, x.nbytes / 2**20, torch.cuda.max_memory_allocated() / 2**20 if on_gpu else 0)


def growth(report: Report, sizes: list[float], whole_up_to: float) -> None:
    rows = []
    for megapixels, tiles in itertools.product(sizes, (True, False)):
        if not tiles and megapixels > whole_up_to:
            continue
        found, peak = isolated(restored, megapixels, tiles)
        rows.append(
            {
                "megapixels": megapixels,
                "": "in windows" if tiles else "whole",
                "seconds": found.seconds,
                "seconds per megapixel": found.seconds / megapixels,
                "image MB": found.image,
                "memory beyond it MB": peak - found.image,
                **({"GPU memory MB": found.gpu} if found.gpu else {}),
            }
        )
    report.table("Growth with the image, default network", rows)


def main() -> None:
    report = Report("inference", "Inference", TEXT)
    for kind in (DEFAULT, ("resnet", 32, 7), ("adafm_net", 64, 16)):
        folding(report, kind, 64 if quick() else SIDE)
    growth(report, [0.01] if quick() else [0.25, 1, 4, 16, 100], 16)
    report.save()


if __name__ == "__main__":
    main()
