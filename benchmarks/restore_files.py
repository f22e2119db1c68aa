"""Files through ``ftn restore``: how much reading and writing costs beside the bare network.

python -m benchmarks.restore_files [--quick]
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from benchmarks.harness import Report, compare, isolated, quick
from ftn_core.data.task import DENOISING
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.runtime.images import restore
from ftn_core.runtime.network_file import build_network
from ftn_core.utils.limits import cores
from serving.files.bands import pixels_to_tensor, restore_in_bands
from serving.files.dial_setting import DialSetting
from serving.files.inputs import RESTORED, Job, plan_jobs
from serving.files.job_runner import JobRunner
from serving.files.pictures import Picture, PixelArray, read_picture, write_picture

SPEC: dict[str, Any] = {"name": "unshuffle_net", "channels": 32, "depth": 6}
BARE = "bare network"

TEXT = """Noisy pictures of one size are restored by the default network, untrained, which changes no time. The bare
network has them in memory as floats. One after the other: each picture is read, restored and written before the next
one, as in a short script. Ours is what the command runs: the next picture is read and earlier ones are written while
the network computes. Estimating sigma from each picture is the command's default. The start of Python and PyTorch is
not counted. The table of large pictures has peak memory beside the size of their pixels."""


def one_by_one(network: nn.Module, jobs: list[Job]) -> None:
    for job in jobs:
        picture = read_picture(job.source)
        write_picture(picture, restore_in_bands(network, picture), job.target)


def ours(network: nn.Module, jobs: list[Job], dial: DialSetting | None = None) -> None:
    def restore_one(job: Job, picture: Picture) -> PixelArray:
        if dial is not None:
            dial.denoiser.fold(dial.position(dial.level_for(picture)), network)
        return restore_in_bands(network, picture)

    runner = JobRunner(jobs, overwrite=True)
    runner.run(restore_one, lambda done: None)
    assert runner.results.done == len(jobs)


def make(folder: Path, count: int, height: int, width: int, suffix: str) -> list[Job]:
    """Pictures as smooth as photographs, with noise of 0.2."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for i in range(count):
        small = rng.random((8, 12, 3))
        smooth = np.asarray(
            Image.fromarray((255 * small).astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
        )
        noisy = smooth + 51 * rng.standard_normal(smooth.shape, np.float32)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / f"{i:04}{suffix}")
    return plan_jobs([str(folder)], folder / "out", RESTORED)


def large(source: str, target: str) -> float:
    """Restore one file with the command's own parts, and give its megapixels."""
    torch.set_num_threads(cores())
    network = build_network(**SPEC).eval()
    runner = JobRunner([Job(Path(source), Path(target))], overwrite=True)
    pixels = []

    def restore_one(_job: Job, picture: Picture) -> PixelArray:
        pixels.append(picture.pixels.shape[0] * picture.pixels.shape[1] / 1e6)
        return restore_in_bands(network, picture)

    runner.run(restore_one, lambda done: None)
    assert runner.results.done == 1
    return pixels[0]


def main() -> None:
    torch.set_num_threads(cores())
    report = Report("restore_files", "Files through ftn restore", TEXT)
    denoiser = ContinuousDenoiser(DENOISING, SPEC, build_network(**SPEC).eval(), 0.2)
    network = denoiser.fold(0.0)
    count = 4 if quick() else 40
    sizes = [(64, ".png"), (64, ".jpg")] if quick() else [(128, ".png"), (256, ".png"), (256, ".jpg"), (512, ".png")]
    with tempfile.TemporaryDirectory() as name:
        for side, suffix in sizes:
            files = count if side < 512 else max(2, count // 4)
            jobs = make(Path(name, f"{side}{suffix}"), files, side, side, suffix)
            for job in jobs:
                job.target.parent.mkdir(exist_ok=True)
            images = [pixels_to_tensor(read_picture(job.source).pixels) for job in jobs]
            variants: dict[str, Callable[[], object]] = {
                BARE: lambda images=images: [restore(network, image) for image in images],  # type: ignore[misc]
                "one after the other": lambda jobs=jobs: one_by_one(network, jobs),  # type: ignore[misc]
                "ours": lambda jobs=jobs: ours(network, jobs),  # type: ignore[misc]
                "ours, sigma estimated from each": lambda jobs=jobs: ours(network, jobs, DialSetting(denoiser)),  # type: ignore[misc]
            }
            timings = compare(variants, rounds=5, warmup=1)
            report.timings(f"{files} files {suffix} of {side} x {side}, time for one", timings, BARE, per=files)
        rows = []
        for height, width in ((200, 300),) if quick() else ((2000, 3000), (8000, 12000)):
            for suffix in (".png", ".jpg"):
                (job,) = make(Path(name, f"{height}{suffix}"), 1, height, width, suffix)
                megapixels, peak = isolated(large, str(job.source), str(job.target))
                rows.append(
                    {
                        "megapixels": megapixels,
                        "file": suffix,
                        "pixels MB": 3 * megapixels,
                        "peak memory MB": peak,
                    }
                )
        report.table("Large pictures, peak memory beyond that of a process with PyTorch", rows)
    report.save()


if __name__ == "__main__":
    main()
