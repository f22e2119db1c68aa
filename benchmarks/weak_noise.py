"""Weak noise, down to none: what the dial gains below the weakest trained level, and what it costs at most.

python -m benchmarks.weak_noise [--folder FOLDER]... [--model FILE] [--quick]
"""

import argparse
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.harness import Report, quick
from benchmarks.peers import Pixels, below
from benchmarks.small import small_photographs, untrained_model
from ftn_core.data.store import Store
from ftn_core.degradations.noise import add_noise
from ftn_core.denoiser.blend import set_blend
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.noise_level.estimate import estimate_sigma
from ftn_core.runtime.images import restore, to_image
from ftn_core.runtime.psnr import psnr
from ftn_core.utils.errors import UserError
from ftn_core.utils.limits import cores

ROOT = Path(__file__).parent.parent
SIGMAS = (0, 2, 5, 10, 15, 25, 38)
"""Of 255."""
PHOTOGRAPHS, SIDE = 8, 512

TEXT = f"""Unclipped white noise of a sigma below the model's weakest level is added to the middle of a folder's first
{PHOTOGRAPHS} photographs, at most {SIDE} pixels a side, and restored with the dial at that sigma. Mean PSNR in dB, and
in brackets the photograph that gains least over its noisy version. Beside it: the dial at its weakest trained level,
where it ended before; the same network rescaled to the sigma, not blended with the input; and the dial at the sigma
that is found in each noisy photograph. At sigma 0 the input is the photograph itself, of infinite PSNR. Saved only with
--folder."""


def crops(images: list[Pixels]) -> list[Pixels]:
    """The middle of the first photographs."""
    found = []
    for pixels in images[:PHOTOGRAPHS]:
        top, left = (max(side - SIDE, 0) // 2 for side in pixels.shape[1:])
        found.append(np.ascontiguousarray(pixels[:, top : top + SIDE, left : left + SIDE]))
    return found


def rows(images: list[Pixels], denoiser: ContinuousDenoiser) -> list[dict[str, Any]]:
    """One row for each sigma."""

    def at(level: float) -> Callable[[Tensor], Tensor]:
        return lambda noisy: restore(denoiser.fold(denoiser.position(level)), noisy)

    def unblended(level: float) -> Callable[[Tensor], Tensor]:
        network = denoiser.fold(denoiser.position(level))
        set_blend(network, math.inf)
        return lambda noisy: restore(network, noisy)

    table = []
    for sigma in SIGMAS[:4:3] if quick() else SIGMAS:
        level = sigma / 255
        ways: dict[str, Callable[[Tensor], Tensor]] = {
            "input": lambda noisy: noisy,
            "restored": at(level),
            "at the weakest trained level": at(denoiser.trained[0]),
            "rescaled only": unblended(level),
            "at the sigma that is found": lambda noisy: at(estimate_sigma(noisy))(noisy),
        }
        scores: dict[str, list[float]] = {way: [] for way in ways}
        for pixels in images:
            clean = to_image(pixels)
            noisy = to_image(add_noise(pixels, level, seed=0, clip=False)) if sigma else clean
            for way, run in ways.items():
                scores[way].append(psnr(run(noisy), clean))
        table.append({"sigma of 255": sigma, **{way: _cell(values, scores["input"]) for way, values in scores.items()}})
    return table


def _cell(values: list[float], given: list[float]) -> str:
    mean = f"{statistics.fmean(values):.2f}"
    if values is given or math.isinf(given[0]):
        return mean
    return f"{mean} ({min(value - before for value, before in zip(values, given, strict=True)):+.2f})"


def measure(model: Path, sets: dict[str, list[Pixels]]) -> Report:
    """Print a table for each set of photographs."""
    torch.set_num_threads(cores())
    report = Report("weak_noise", "Weak noise", TEXT)
    denoiser = ContinuousDenoiser.load(model)
    for name, images in sets.items():
        chosen = crops(images)
        caption = f"{len(chosen)} photographs of {name}; {denoiser.spec['name']}, base at {denoiser.base_level:g}"
        report.table(caption, rows(chosen, denoiser))
    return report


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.weak_noise", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--folder", type=Path, action="append", help="photographs, instead of the sample's test ones")
    parser.add_argument("--model", type=Path, help="else the project's FTN")
    parser.add_argument("--quick", action="store_true", help="small crops, few sigmas, an untrained model; not saved")
    given = parser.parse_args()
    model = given.model or ROOT / "models" / "denoisers" / "ftn.safetensors"
    try:
        if quick():
            with untrained_model() as untrained:
                measure(untrained, {"the sample": small_photographs()[:2]})
        elif given.folder:
            measure(model, {folder.name: below(folder) for folder in given.folder}).save()
        else:
            measure(model, {"the sample": list(Store(ROOT / "data" / "photographs" / "test"))})
    except UserError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
