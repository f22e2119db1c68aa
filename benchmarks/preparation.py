"""Packing photographs and making noisy sets: beside a limit of the machine, and over the number of images.

python -m benchmarks.preparation [--quick]
"""

import io
import math
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.harness import Report, Timing, compare, isolated, quick
from ftn_core.data.store import Store, StoreWriter
from ftn_core.data.task import DENOISING
from ftn_core.degradations.degradation import Degradation
from ftn_core.degradations.degraded_set import write_degraded_set
from ftn_core.degradations.noise import add_noise
from ftn_core.sources.decode import decode
from ftn_core.sources.pack import pack_photographs
from ftn_core.sources.sample import sample_photographs
from ftn_core.sources.splits import SPLITS
from ftn_core.utils.limits import cores

SIGMA, SIDE = 0.2, 192
OURS, LIMIT, ONE_CORE = "ours", "the limit", "image by image on one core"
ROUNDS = 3

TEXT = f"""The limit of a noisy set is to draw as many standard normal values on all cores, with NumPy's fastest
generator (SFC64), while as many bytes as the set has are written; its values may differ between machines, ours must
not. The limit of packing is to decode the same files on all cores while the pixels are written; ours also hashes each
file, so that none is used twice. Growth is over JPEG files of {SIDE} x {SIDE} pixels, crops of the sample photographs.
Each count runs in a fresh process, the counts are interleaved, and peak memory is what comes on top of the imports.
Small counts show what a process does once, large ones what is kept for each image and what waits for the writer."""

Pixels = NDArray[np.uint8]


def sample() -> list[Pixels]:
    return [decode(photograph.path, min_side=1, max_pixels=10**8) for photograph in sample_photographs()]


def crops() -> list[Pixels]:
    """Four of each sample photograph."""
    found = []
    for i, pixels in enumerate(sample() * 4):
        top, left = (i * 53) % (pixels.shape[1] - SIDE), (i * 37) % (pixels.shape[2] - SIDE)
        found.append(pixels[:, top : top + SIDE, left : left + SIDE])
    return found


def write_photographs(folder: Path, images: Iterable[Pixels]) -> None:
    """Packed photographs, all of them in the test split."""
    for split in SPLITS:
        with StoreWriter(folder / split, "uint8") as writer:
            for i, pixels in enumerate(images if split == "test" else []):
                writer.append(str(i), pixels)


def write_files(folder: Path, images: list[Pixels], count: int, kind: str) -> None:
    """``count`` files that differ; where there are fewer images, they are repeated."""
    for split in SPLITS:
        (folder / split).mkdir(parents=True)
    encoded = []
    for pixels in images:
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(file, kind, quality=90)
        encoded.append(file.getvalue())
    for i in range(count):
        # no decoder reads what follows the end of the picture, but it makes another file of it
        (folder / SPLITS[i % len(SPLITS)] / f"{i:05d}.{kind}").write_bytes(
            encoded[i % len(encoded)] + i.to_bytes(4, "big")
        )


def noise(photographs: Path, out: Path) -> float:
    """Seconds for the noisy set of all splits, without those for removing an earlier one."""
    shutil.rmtree(out, ignore_errors=True)
    start = time.perf_counter()
    write_degraded_set(photographs, out, Degradation.of(DENOISING.degradation), SIGMA, seed=0, train=True)
    return time.perf_counter() - start


def pack(folder: Path, out: Path) -> float:
    """Seconds for packing the folder, without those for removing what was packed earlier."""
    shutil.rmtree(out, ignore_errors=True)
    start = time.perf_counter()
    pack_photographs(
        out,
        source="folder",
        folder=folder,
        include=["**"],
        archive="bsds500",
        val_fraction=0,
        test_fraction=0,
        min_side=16,
        max_pixels=10**8,
        downloads=out,
    )
    return time.perf_counter() - start


def noise_on_one_core(photographs: Path, out: Path) -> None:
    clean = Store(photographs / "test")
    with StoreWriter(out, "float16") as writer:
        for name, pixels in zip(clean.names, clean, strict=True):
            writer.append(name, add_noise(pixels, SIGMA, seed=0, clip=False))


def noise_limit(values: int, out: Path) -> None:
    """Draw ``values`` on all cores; write two bytes for each as soon as they are there."""
    size = 2**18
    places = [(np.random.Generator(np.random.SFC64(i)), np.empty(size, np.float32)) for i in range(4 * cores())]
    waiting: deque[Any] = deque()
    with out.open("wb") as file, ThreadPoolExecutor(cores()) as pool:

        def write() -> None:
            file.write(waiting.popleft().result().view(np.uint8)[: 2 * size])

        for i in range(math.ceil(values / size)):
            generator, memory = places[i % len(places)]
            if len(waiting) == len(places):
                write()
            waiting.append(pool.submit(generator.standard_normal, dtype=np.float32, out=memory))
        while waiting:
            write()


def packing_limit(files: list[Path], out: Path) -> None:
    with out.open("wb") as file, ThreadPoolExecutor(cores()) as pool:
        for pixels in pool.map(partial(decode, min_side=16, max_pixels=10**8), files):
            file.write(np.ascontiguousarray(pixels).data)


def beside_limit(report: Report, caption: str, variants: dict[str, Callable[[], object]], megapixels: float) -> None:
    timings = compare(variants, rounds=7, warmup=1)
    limit = timings[LIMIT]
    rows = [
        {
            "variant": name,
            "ms per megapixel": 1000 * timing.median / megapixels,
            "spread": timing.spread,
            f"time, {OURS} = 1": timing.ratio(timings[OURS]),
            "share of the limit": limit.ratio(timing),
        }
        for name, timing in timings.items()
    ]
    report.table(caption, rows)


def limits(report: Report, folder: Path) -> None:
    images = sample() * (1 if quick() else 24)
    values = sum(pixels.size for pixels in images)
    write_photographs(folder / "photographs", images)
    beside_limit(
        report,
        f"A noisy set of {len(images)} photographs, {values / 3e6:.0f} megapixels, beside its limit",
        {
            OURS: lambda: noise(folder / "photographs", folder / "noisy"),
            LIMIT: lambda: noise_limit(values, folder / "limit"),
            ONE_CORE: lambda: noise_on_one_core(folder / "photographs", folder / "one"),
        },
        values / 3e6,
    )
    whole, small = (sample(), "photographs"), (crops(), f"crops of {SIDE} x {SIDE} pixels")
    for kind, (images, what) in (("png", whole), ("jpeg", whole), ("png", small), ("jpeg", small)):
        source = folder / f"{kind} {what}"
        count = len(images) * (1 if quick() else 12)
        write_files(source, images, count, kind)
        files = sorted(source.rglob("*.*"))
        beside_limit(
            report,
            f"Packing {count} {kind.upper()} files, {what}, beside its limit",
            {
                OURS: partial(pack, source, folder / "packed"),
                LIMIT: partial(packing_limit, files, folder / "limit"),
            },
            sum(pixels[0].size for pixels in images) * count / len(images) / 1e6,
        )


def growth(report: Report, folder: Path) -> None:
    counts = [20] if quick() else [100, 1_000, 10_000]
    for count in counts:
        write_files(folder / f"{count}", crops(), count, "jpeg")
    packing, noisy = [], []
    for _ in range(1 if quick() else ROUNDS):
        packing.append([isolated(pack, folder / f"{count}", folder / f"{count}-packed") for count in counts])
        noisy.append([isolated(noise, folder / f"{count}-packed", folder / "growing") for count in counts])
    for caption, rounds in (("Packing", packing), ("A noisy set", noisy)):
        report.table(f"{caption}, over the number of images", rows("images", counts, rounds))


def sizes(report: Report, folder: Path) -> None:
    """One photograph of growing size, whose pieces are shared among the cores."""
    megapixels = [1] if quick() else [1, 10, 100]
    for size in megapixels:
        side = round(1000 * math.sqrt(size))
        isolated(write_enlarged, folder / f"{size}", side)
    rounds = [
        [isolated(noise, folder / f"{size}", folder / "growing") for size in megapixels]
        for _ in range(1 if quick() else ROUNDS)
    ]
    report.table("A noisy set of one photograph, over its size", rows("megapixels", megapixels, rounds))


def write_enlarged(folder: Path, side: int) -> None:
    """In a process of its own, whose memory ends with it."""
    write_photographs(folder, [np.resize(sample()[0], (3, side, side))])


def rows(column: str, counts: list[int], rounds: list[list[tuple[float, float]]]) -> list[dict[str, Any]]:
    """A row for each count: the median time for one of it, and the largest peak memory."""
    found = []
    for i, count in enumerate(counts):
        timing = Timing([results[i][0] / count for results in rounds])
        found.append(
            {
                column: f"{count:,}",
                f"ms for one of the {column}": 1000 * timing.median,
                "spread": timing.spread,
                "peak memory, MB": max(results[i][1] for results in rounds),
            }
        )
    return found


def main() -> None:
    report = Report("preparation", "Preparation: packing and noise beside their limits, and over size", TEXT)
    for part in (limits, growth, sizes):
        with tempfile.TemporaryDirectory() as folder:
            part(report, Path(folder))
    report.save()


if __name__ == "__main__":
    main()
