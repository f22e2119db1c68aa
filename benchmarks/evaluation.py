"""Evaluation: ours beside the plain way, what a pass consists of, and growth over levels.

python -m benchmarks.evaluation [--quick]
"""

import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.harness import Report, compare, isolated, quick
from ftn_core.data.store import Store, StoreWriter
from ftn_core.data.task import DENOISING
from ftn_core.degradations.noise import add_noise
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.evaluation.metrics import similarity, ssim_each
from ftn_core.evaluation.pairs import Pairs
from ftn_core.evaluation.sweep import positions, sweep
from ftn_core.runtime.device import set_up_torch
from ftn_core.runtime.images import restore, to_image
from ftn_core.runtime.network_file import build_network
from ftn_core.runtime.psnr import psnr, psnr_each
from ftn_core.sources.decode import decode
from ftn_core.sources.sample import sample_photographs
from ftn_core.utils.limits import cores

TEXT = """The plain way folds each position of the dial at every sigma and takes image by image: read, convert, restore,
PSNR and SSIM of the whole image. Ours folds a position once for all sigmas, keeps converted images,
takes images of one size together up to a bound, and computes SSIM of bands of rows as channels. The table says how
far the scores differ. Networks and transitions are untrained, which changes no time. The share of each part is that
of a pass over the larger photographs. Growth is linear where a pass, one position at one sigma, takes the same time
whatever the number of levels; each number of levels is measured in processes of its own."""

SIGMAS = [0.2, 0.35, 0.5]
Scores = dict[tuple[float, float], tuple[float, float]]
"""For each sigma and position mean PSNR and mean SSIM."""


def crops(height: int, width: int) -> Iterator[np.ndarray]:
    """Pieces of the sample photographs that do not overlap, ``3 x height x width``."""
    for photograph in sample_photographs():
        pixels = decode(photograph.path, min_side=64, max_pixels=10**8)
        for y, x in itertools.product(range(pixels.shape[1] // height), range(pixels.shape[2] // width)):
            yield pixels[:, y * height : (y + 1) * height, x * width : (x + 1) * width]


def write_stores(folder: Path, count: int, height: int, width: int) -> None:
    """The clean photographs and a noisy set for each sigma."""
    with StoreWriter(folder / "clean", "uint8") as clean:
        for i, pixels in enumerate(itertools.islice(crops(height, width), count)):
            clean.append(str(i), pixels)
    store = Store(folder / "clean")
    for sigma in SIGMAS:
        with StoreWriter(folder / str(sigma), "float16") as noisy:
            for name, pixels in zip(store.names, store, strict=True):
                noisy.append(name, add_noise(pixels, sigma, seed=0, clip=False))


def read_stores(folder: Path) -> tuple[Store, dict[float, Store]]:
    """What ``write_stores`` wrote."""
    return Store(folder / "clean"), {sigma: Store(folder / str(sigma)) for sigma in SIGMAS}


def untrained(count: int, device: torch.device) -> ContinuousDenoiser:
    """The default network and FTNs that lead to ``count`` levels in all, from 0.2 to 0.5."""
    torch.manual_seed(0)
    spec = {"name": "unshuffle_net", "channels": 32, "depth": 6}
    base = build_network(**spec).requires_grad_(False)  # type: ignore[arg-type]
    sigmas = np.linspace(0.2, 0.5, count).tolist()
    levels = [
        AdaptedLevel(s, "ftn", {"groups": 1}, build_transition("ftn", base, 2.5, groups=1), {}) for s in sigmas[1:]
    ]
    return ContinuousDenoiser(DENOISING, spec, base, sigmas[0], levels).to(device)


def plainly(
    denoiser: ContinuousDenoiser,
    where: Mapping[float, list[float]],
    clean: Store,
    noisy: Mapping[float, Store],
    device: torch.device,
) -> Scores:
    """One image at a time, folded at every sigma."""
    found = {}
    for sigma, wanted in where.items():
        network: nn.Module | None = None
        for position in wanted:
            network = denoiser.fold(position, network)
            scores = []
            for y, x in zip(noisy[sigma], clean, strict=True):
                restored, target = restore(network, to_image(y, device)), to_image(x, device)
                scores.append((psnr(restored, target), float(similarity(restored.clamp(0, 1), target).mean())))
            found[sigma, position] = statistics.fmean(s[0] for s in scores), statistics.fmean(s[1] for s in scores)
    return found


def ours(denoiser: ContinuousDenoiser, where: Mapping[float, list[float]], pairs: Pairs) -> Scores:
    return {(sigma, position): (s.psnr, s.ssim) for sigma, position, s in sweep(denoiser, where, pairs)}


def ways(report: Report, folder: Path, what: str, device: torch.device) -> None:
    """Time the plain way, ours, and ours without each of its means over the same positions; compare their scores."""
    clean, noisy = read_stores(folder)
    denoiser = untrained(3, device)
    where = {sigma: [p for p in (*positions(denoiser, 1), denoiser.position(sigma)) if p] for sigma in SIGMAS}
    results: dict[str, Scores] = {}
    plain = "one image at a time, folded at every sigma (plain way)"
    variants: dict[str, Callable[[], Scores]] = {plain: partial(plainly, denoiser, where, clean, noisy, device)}
    options: dict[str, dict[str, int]] = {
        "ours": {},
        "ours, converting anew at each pass": {"keep": 0},
        "ours, image by image": {"pixels": 1},
        "ours, batches of 1 megapixel": {"pixels": 2**20},
    }
    for name, option in options.items():
        variants[name] = partial(ours, denoiser, where, Pairs(clean, noisy, device, **option))

    def run(name: str) -> None:
        results[name] = variants[name]()

    timings = compare({name: partial(run, name) for name in variants}, rounds=5, warmup=1)
    passes = sum(map(len, where.values()))
    report.table(
        what,
        [
            {
                "variant": name,
                "median ms": 1000 * timing.median / passes,
                "spread": timing.spread,
                "time, plain way = 1": timing.ratio(timings[plain]),
                "scores differ by": f"{difference(results[name], results[plain]):.1g}",
            }
            for name, timing in timings.items()
        ],
    )


def difference(found: Scores, expected: Scores) -> float:
    """The largest difference of any score, in dB or SSIM."""
    return max(abs(a - b) for key in expected for a, b in zip(found[key], expected[key], strict=True))


def shares(report: Report, folder: Path, kind: str, channels: int, depth: int, device: torch.device) -> None:
    """What a pass over the photographs consists of."""
    clean, noisy = read_stores(folder)
    network = build_network(kind, channels, depth).to(device).eval().requires_grad_(False)
    sigma = SIGMAS[0]
    batches = list(Pairs(clean, noisy, device).batches(sigma))
    restored = [restore(network, batch.degraded) for batch in batches]
    both = list(zip(restored, (batch.clean for batch in batches), strict=True))

    def whole_images() -> None:
        for a, b in both:
            for i in range(len(a)):
                similarity(a[i : i + 1], b[i : i + 1])

    ssim = "SSIM"
    parts: dict[str, Callable[[], object]] = {
        "the network": lambda: [restore(network, batch.degraded) for batch in batches],
        "PSNR": lambda: [psnr_each(a, b) for a, b in both],
        ssim: lambda: [ssim_each(a, b) for a, b in both],
        "reading and converting, in the first pass": lambda: list(Pairs(clean, noisy, device).batches(sigma)),
        "(SSIM of whole images, one by one)": whole_images,
    }
    timings = compare(parts, rounds=5)
    megapixels = sum(image[0].size for image in clean) / 1e6
    total = sum(timing.median for name, timing in timings.items() if not name.startswith("("))
    report.table(
        f"A pass of {kind}, {channels} channels, {depth} blocks",
        [
            {
                "part": name,
                "ms per megapixel": 1000 * timing.median / megapixels,
                "spread": timing.spread,
                "share of the sum": f"{timing.median / total:.1%}",
            }
            for name, timing in timings.items()
        ],
    )


def evaluate_levels(folder: Path, count: int) -> tuple[int, int, float]:
    """Positions, passes and seconds of one evaluation of ``count`` levels, four positions to each."""
    device = set_up_torch(cores())
    clean, noisy = read_stores(folder)
    denoiser = untrained(count, device)
    pairs = Pairs(clean, noisy, device)
    where = {sigma: positions(denoiser, 4)[1:] for sigma in SIGMAS}
    ours(denoiser, {sigma: [0.0] for sigma in SIGMAS}, pairs)
    start = time.perf_counter()
    passes = len(ours(denoiser, where, pairs))
    return passes // len(SIGMAS), passes, time.perf_counter() - start


def growth(report: Report, folder: Path, counts: list[int], rounds: int) -> None:
    """Time and memory over the number of levels, the numbers interleaved."""
    runs: dict[int, list[tuple[tuple[int, int, float], float]]] = {count: [] for count in counts}
    for _ in range(rounds):
        for count in counts:
            runs[count].append(isolated(evaluate_levels, folder, count))
    first: float | None = None
    rows: list[dict[str, Any]] = []
    for count, found in runs.items():
        positions_, passes, _ = found[0][0]
        seconds = statistics.median(result[2] for result, _ in found)
        first = first or seconds / passes
        rows.append(
            {
                "levels": count,
                "positions": positions_,
                "passes": passes,
                "seconds": seconds,
                "ms a pass": 1000 * seconds / passes,
                f"a pass, {counts[0]} levels = 1": seconds / passes / first,
                "peak memory MB": max(peak for _, peak in found),
            }
        )
    images = Store(folder / "clean")
    report.table(f"Growth over levels, {len(images)} images of {images[0].shape[1]} x {images[0].shape[2]}", rows)


def main() -> None:
    report = Report("evaluation", "Evaluation", TEXT)
    device = set_up_torch(cores())
    cases = {"photographs": (4, 320, 480), "thumbnails": (64, 64, 64), "small photographs": (3, 160, 240)}
    counts, adafm = [2, 8, 32], (64, 16)
    if quick():
        cases = {"photographs": (2, 100, 120), "thumbnails": (6, 32, 32), "small photographs": (2, 32, 48)}
        counts, adafm = [2], (8, 2)
    with tempfile.TemporaryDirectory() as name:
        for case, (count, height, width) in cases.items():
            write_stores(Path(name) / case, count, height, width)
        for case in ("photographs", "thumbnails"):
            count, height, width = cases[case]
            what = f"A pass over {count} {case} of {height} x {width}, one position at one sigma"
            ways(report, Path(name) / case, what, device)
        shares(report, Path(name) / "photographs", "unshuffle_net", 32, 6, device)
        shares(report, Path(name) / "photographs", "adafm_net", *adafm, device)
        growth(report, Path(name) / "small photographs", counts, 1 if quick() else 3)
    report.save()


if __name__ == "__main__":
    main()
