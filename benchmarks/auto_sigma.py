"""The sigma that ``ftn restore`` estimates: its error, and the PSNR that is lost against the true sigma.

python -m benchmarks.auto_sigma [--folder FOLDER] [--model FILE]... [--quick]
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.clipping import sigma_before_clipping
from benchmarks.harness import Report, quick
from benchmarks.peers import Pixels, below
from benchmarks.small import small_photographs, untrained_model
from ftn_core.data.store import Store
from ftn_core.degradations.noise import add_noise
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.noise_level.estimate import estimate_sigma
from ftn_core.runtime.images import restore, to_image
from ftn_core.runtime.psnr import psnr
from ftn_core.utils.errors import UserError
from ftn_core.utils.limits import cores

ROOT = Path(__file__).parent.parent
SIGMAS = [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6]

TEXT = """Noise of known sigma is added to each photograph, and sigma is estimated from the result alone: as --auto
does it, and with a correction for the noise that clipping to [0, 1] hides. For clipped pictures the corrected estimate
is closer to the truth, but its PSNR is lower. The estimate is given as a share of the true sigma. The loss is the PSNR
of the photograph restored at the true sigma less that at the estimate, in dB. A negative loss is a gain: for a clipped
picture the true sigma is not the best position of a dial that was trained on unclipped noise. A model's dial goes from
0 to its strongest level; sigmas beyond that give the same restoration. Saved only with --folder, here CBSD68."""


def rows(images: list[Pixels], denoiser: ContinuousDenoiser, clip: bool) -> list[dict[str, Any]]:
    """One row for each sigma."""
    ways: dict[str, Callable[[Tensor], float]] = {"--auto": estimate_sigma, "corrected": sigma_before_clipping}
    table = []
    for sigma in SIGMAS[1::3] if quick() else SIGMAS:
        shares: dict[str, list[float]] = {way: [] for way in ways}
        losses: dict[str, list[float]] = {way: [] for way in ways}
        best = []
        for pixels in images:
            clean, noisy = to_image(pixels), to_image(add_noise(pixels, sigma, seed=0, clip=False))
            if clip:  # to a file of 8 bits
                noisy = (noisy.clamp(0, 1) * 255).round() / 255
            found = {way: estimate(noisy) for way, estimate in ways.items()}
            scores = _scores(denoiser, noisy, clean, [sigma, *found.values()])
            best.append(scores[sigma])
            for way, estimated in found.items():
                shares[way].append(estimated / sigma)
                losses[way].append(scores[sigma] - scores[estimated])
        row: dict[str, Any] = {"sigma": sigma, "PSNR at the true sigma": float(np.mean(best))}
        for way in ways:
            row[f"{way}: estimate, median (10th .. 90th of 100)"] = _spread(shares[way], "{:.3f}")
        for way in ways:
            row[f"{way}: dB lost, median (90th, worst)"] = "{:+.3f} ({:+.2f}, {:+.2f})".format(
                *np.quantile(losses[way], (0.5, 0.9, 1))
            )
        table.append(row)
    return table


def _scores(denoiser: ContinuousDenoiser, noisy: Tensor, clean: Tensor, sigmas: list[float]) -> dict[float, float]:
    """PSNR in dB for each sigma; sigmas at the same position of the dial are restored once."""
    positions = {sigma: denoiser.position(sigma) for sigma in sigmas}
    by_position = {x: psnr(restore(denoiser.fold(x), noisy), clean) for x in set(positions.values())}
    return {sigma: by_position[position] for sigma, position in positions.items()}


def _spread(values: list[float], form: str) -> str:
    low, median, high = (form.format(value) for value in np.quantile(values, (0.1, 0.5, 0.9)))
    return f"{median} ({low} .. {high})"


def measure(models: list[Path], images: list[Pixels]) -> Report:
    """Print the tables of each model."""
    torch.set_num_threads(cores())
    report = Report("auto_sigma", "The level that --auto finds", TEXT)
    for model in models:
        denoiser = ContinuousDenoiser.load(model)
        levels = ", ".join(f"{level:g}" for level in denoiser.trained)
        method = denoiser.levels[0].method if denoiser.levels else "no"
        for clip, kind in ((False, "noise as it is"), (True, "clipped and rounded to 8 bits")):
            report.table(
                f"{len(images)} photographs, {kind}; {method} model of {denoiser.spec['name']} with levels {levels}",
                rows(images, denoiser, clip),
            )
    return report


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.auto_sigma", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--model", type=Path, action="append", help="any number of them; else the project's FTN")
    parser.add_argument("--folder", type=Path, help="photographs, instead of the sample's test photographs")
    parser.add_argument("--quick", action="store_true", help="small crops, few levels, an untrained model; not saved")
    given = parser.parse_args()
    models = given.model or [ROOT / "models" / "denoisers" / "ftn.safetensors"]
    try:
        if quick():
            with untrained_model() as model:
                measure([model], small_photographs()[:2])
        elif given.folder:
            measure(models, below(given.folder)).save()
        else:
            measure(models, list(Store(ROOT / "data" / "photographs" / "test")))
    except UserError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
