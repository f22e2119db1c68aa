"""Other denoisers that a user could take, FFDNet and scikit-image's: time and PSNR beside ours on the same images.

python -m benchmarks.peers [--model FILE] [--folder FOLDER] [--quick]
"""

import argparse
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.harness import Report, Timing, compare, quick
from benchmarks.small import small_photographs, untrained_model
from ftn_core.data.store import Store
from ftn_core.degradations.noise import add_noise
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.evaluation.classical import CLASSICAL_DENOISERS
from ftn_core.released.ffdnet import ENDS, published_ffdnet
from ftn_core.runtime.device import best_device
from ftn_core.runtime.images import restore, to_image
from ftn_core.runtime.psnr import psnr
from ftn_core.sources.decode import Unusable, decode
from ftn_core.sources.folder import EXTENSIONS
from ftn_core.utils.errors import UserError
from ftn_core.utils.limits import cores

ROOT = Path(__file__).parent.parent
SIGMAS = [0.2, 0.3, 0.5]
OURS = "ours"
NOISY = "noisy input"

TEXT = f"""Each denoiser is given the true sigma and restores the same noisy images; the denoisers are interleaved image
by image. Ours is the network that `make repro` trains within minutes on a few sample photographs, folded for the
sigma. FFDNet has several times its parameters and was trained on thousands of photographs, with levels up to
{ENDS[1]:.3f}; beyond that it is given this level. Both networks run in float32 with channels_last, on the GPU where
there is one and on all cores otherwise; scikit-image's denoisers use one core."""

Pixels = NDArray[np.uint8]
Denoiser = Callable[[Tensor], Tensor]
"""``1 x 3 x H x W`` to the same, on the CPU."""


def denoisers(model: Path, sigma: float) -> dict[str, Denoiser]:
    """All that are compared, ready for one sigma; a name says so where a denoiser is given another level."""
    device = best_device()
    to: dict[str, Any] = {"device": device, "memory_format": torch.channels_last}

    def by_network(network: torch.nn.Module) -> Denoiser:
        return lambda noisy: restore(network, noisy.to(**to)).cpu()

    given: dict[str, Denoiser] = {}
    for name, denoiser in ((OURS, ContinuousDenoiser.load(model)), ("FFDNet", published_ffdnet())):
        level = min(max(sigma, denoiser.ends[0]), denoiser.ends[1])
        name = name if level == sigma else f"{name} (beyond its range: given {level:.3f})"
        given[name] = by_network(denoiser.fold(denoiser.position(level)).to(**to))

    def by_scikit(name: str) -> Denoiser:
        def denoise(noisy: Tensor) -> Tensor:
            image = np.ascontiguousarray(noisy[0].permute(1, 2, 0).numpy())
            return to_image(CLASSICAL_DENOISERS[name](image, sigma).astype(np.float32).transpose(2, 0, 1))

        return denoise

    return given | {name: by_scikit(name) for name in CLASSICAL_DENOISERS}


def one_image(
    methods: dict[str, Denoiser], pixels: Pixels, sigma: float, rounds: int, warmup: int
) -> tuple[dict[str, Timing], dict[str, float]]:
    """Interleaved times per megapixel of each denoiser, and PSNR in dB of each and of the noisy input."""
    clean, noisy = to_image(pixels), to_image(add_noise(pixels, sigma, seed=0, clip=False))
    restored = {NOISY: noisy}

    def timed(name: str) -> Callable[[], None]:
        def run() -> None:
            restored[name] = methods[name](noisy)

        return run

    timings = compare({name: timed(name) for name in methods}, rounds=rounds, warmup=warmup)
    megapixels = pixels[0].size / 1e6
    per_megapixel = {name: Timing([s / megapixels for s in timing.seconds]) for name, timing in timings.items()}
    return per_megapixel, {name: psnr(image, clean) for name, image in restored.items()}


def sigma_rows(images: list[Pixels], model: Path, sigma: float, rounds: int) -> list[dict[str, Any]]:
    """A row for each denoiser at one sigma, ours first, and one for the noisy input."""
    methods = denoisers(model, sigma)
    results = [one_image(methods, pixels, sigma, rounds, warmup=0 if i else 1) for i, pixels in enumerate(images)]
    timings = {name: Timing([s for times, _ in results for s in times[name].seconds]) for name in methods}
    ours = next(iter(timings.values()))
    rows: list[dict[str, Any]] = []
    for name in (*methods, NOISY):
        time = timings.get(name)
        rows.append(
            {
                "denoiser": name,
                "PSNR dB": statistics.mean(scores[name] for _, scores in results),
                "ms per megapixel": 1000 * time.median if time else "–",
                "spread": time.spread if time else "–",
                f"time, {OURS} = 1": time.ratio(ours) if time else "–",
            }
        )
    return rows


def below(folder: Path) -> list[Pixels]:
    """The images below any folder; a file that cannot be used is named and left out."""
    images = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS):
        try:
            images.append(decode(path, min_side=16, max_pixels=100_000_000))
        except Unusable as reason:
            print(f"{path.name} is left out: {reason}")
    if not images:
        raise UserError(f"no usable image below {folder}: name a folder that holds some")
    return images


def measure(model: Path, images: list[Pixels]) -> Report:
    if not model.exists():
        raise UserError(f"{model} does not exist: run `make repro` first, or name a denoiser with --model")
    sigmas, rounds = (SIGMAS[1:2], 1) if quick() else (SIGMAS, math.ceil(10 / len(images)))
    torch.set_num_threads(cores())
    report = Report("peers", "Peers: FFDNet and scikit-image's denoisers", TEXT)
    size = f"{len(images)} images, {sum(pixels[0].size for pixels in images) / 1e6:.2f} megapixels"
    for sigma in sigmas:
        report.table(f"Sigma {sigma}: {size}", sigma_rows(images, model, sigma, rounds))
    return report


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "denoisers" / "ftn.safetensors")
    parser.add_argument("--folder", type=Path, help="any images instead of the sample's test photographs; not saved")
    parser.add_argument("--quick", action="store_true", help="small crops, one sigma, an untrained model; not saved")
    given = parser.parse_args()
    try:
        if quick():
            with untrained_model() as model:
                measure(model, small_photographs()[:2])
        elif given.folder:
            measure(given.model, below(given.folder))
        else:  # the page shows what anyone can measure again: the default model on the sample
            measure(given.model, list(Store(ROOT / "data" / "photographs" / "test"))).save()
    except UserError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
