"""The released model beside FFDNet: white noise, real camera noise, and pictures that have none.

python -m benchmarks.photo [--folder FOLDER]... [--pairs FOLDER] [--model FILE] [--quick]
"""

import argparse
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.clean_pictures import Picture, drawing, sharpened, starry_sky, text
from benchmarks.harness import Report, compare, quick
from benchmarks.peers import below
from benchmarks.small import small_photographs
from ftn_core.degradations.jpeg import Jpeg
from ftn_core.degradations.noise import add_noise
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.noise_level.estimate import estimate_sigma, wavelet_sigma
from ftn_core.released.ffdnet import published_ffdnet
from ftn_core.released.models import released_photo
from ftn_core.released.restorer import Restorer
from ftn_core.runtime.images import to_image
from ftn_core.runtime.psnr import psnr
from ftn_core.sources.decode import decode
from ftn_core.sources.sample import sample_photographs
from ftn_core.utils.errors import UserError
from ftn_core.utils.limits import cores

SIGMAS = (5, 10, 15, 25, 50, 75)
WEAKEST = (1, 2, 5)
PLACES = (0, 2, 4, 6, 8, 10, 12, 14, 17, 20)
"""Of the dial, sigma of 255."""
EVERY = 4
QUALITIES = (60, 75, 85, 95)
SIZES = {"min_side": 16, "max_pixels": 10**8}

TEXT = f"""White noise is not clipped. The dial is told its sigma; with auto it is at the sigma that is found. Of
pairs NAME_real.jpg and NAME_mean.jpg, one exposure and the mean of many, every {EVERY}th is taken; the best place is
the best of {", ".join(map(str, PLACES))} of 255 for each photograph. Clean pictures: the dial is at the level that is
found (auto), and the change of PSNR beside the original is that of the output less that of the input. Mean PSNR in
dB. Saved only with --folder."""


def white_noise(photographs: list[Picture], models: dict[str, Restorer]) -> list[dict[str, Any]]:
    """A row for each sigma."""
    rows = []
    for sigma in SIGMAS[::5] if quick() else SIGMAS:
        scores: dict[str, list[float]] = {name: [] for name in ("noisy", *models, "photo, auto")}
        for pixels in photographs:
            clean, noisy = to_image(pixels), to_image(add_noise(pixels, sigma / 255, seed=0, clip=False))
            scores["noisy"].append(psnr(noisy, clean))
            for name, model in models.items():
                scores[name].append(psnr(model(noisy, sigma=sigma / 255), clean))
            scores["photo, auto"].append(psnr(models["photo"](noisy), clean))
        means = {name: statistics.fmean(values) for name, values in scores.items()}
        rows.append({"sigma of 255": sigma, **means, "photo - FFDNet": means["photo"] - means["FFDNet"]})
    return rows


def real_noise(pairs: list[tuple[Picture, Picture]], models: dict[str, Restorer]) -> list[dict[str, Any]]:
    """A row for each way to set the dial."""
    rows = []
    found: dict[str, dict[str, list[float]]] = {}
    for real, mean in pairs:
        noisy, clean = to_image(real), to_image(mean)
        auto, wavelets = estimate_sigma(noisy), wavelet_sigma(noisy[0].permute(1, 2, 0).numpy())
        for name, model in models.items():
            at = {place: psnr(model(noisy, sigma=place / 255), clean) for place in (PLACES[::5] if quick() else PLACES)}
            ways = {
                "as taken": psnr(noisy, clean),
                "auto": psnr(model(noisy, sigma=auto), clean),
                "at the wavelets' sigma": psnr(model(noisy, sigma=wavelets), clean),
                "10 of 255 for all": at[10] if 10 in at else float("nan"),
                "the best place of each": max(at.values()),
            }
            for way, value in ways.items():
                found.setdefault(way, {}).setdefault(name, []).append(value)
            found.setdefault("auto, sigma of 255", {}).setdefault(name, []).append(255 * auto)
    for way, values in found.items():
        rows.append({"dial": way, **{name: statistics.fmean(v) for name, v in values.items()}})
    return rows


def clean_pictures(photographs: list[Picture]) -> Iterator[tuple[str, Picture, Picture]]:
    """Kind, picture as it would be given, and the original."""
    denoise, jpeg = Restorer(published_ffdnet()), Jpeg(None)
    for pixels in photographs:
        yield "photograph", pixels, pixels
        for quality in QUALITIES:
            yield f"photograph, JPEG {quality}", jpeg(pixels, quality, 0), pixels
        for sigma in WEAKEST:
            in_a_file = add_noise(pixels, sigma / 255, seed=0, clip=True).astype(np.float32) * 255
            yield f"photograph, noise {sigma}", in_a_file.round().astype(np.uint8), pixels
        noisy = to_image(add_noise(pixels, 15 / 255, seed=0, clip=True))
        smooth = (denoise(noisy, sigma=20 / 255)[0].numpy() * 255).round().astype(np.uint8)
        phone = sharpened(smooth)
        yield "phone: denoised, sharpened", phone, phone
        yield "phone, JPEG 90", jpeg(phone, 90, 0), phone
    for kind, pixels in (("drawing", drawing()), ("text", text()), ("starry sky", starry_sky())):
        yield kind, pixels, pixels
        yield f"{kind}, JPEG 90", jpeg(pixels, 90, 0), pixels


def harm(photographs: list[Picture], model: Restorer) -> list[dict[str, Any]]:
    """A row for each kind of picture."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    for kind, given, original in clean_pictures(photographs):
        image, clean = to_image(given), to_image(original)
        level = estimate_sigma(image)
        restored = (model(image, sigma=level) * 255).round() / 255
        found.setdefault(kind, []).append((255 * level, psnr(image, clean), psnr(restored, clean)))
    rows = []
    for kind, values in found.items():
        levels, before, after = (list(x) for x in zip(*values, strict=True))
        same = before[0] == float("inf")
        changes = [b - a for a, b in zip(before, after, strict=True)]
        rows.append(
            {
                "picture": kind,
                "found, of 255 (largest)": f"{statistics.fmean(levels):.1f} ({max(levels):.1f})",
                "input": before[0] if same else statistics.fmean(before),
                "change (worst)": f"{sum(x == float('inf') for x in after)} of {len(after)} untouched, worst "
                f"{min(after):.1f} dB"
                if same
                else f"{statistics.fmean(changes):+.2f} ({min(changes):+.2f})",
            }
        )
    return rows


def sample() -> list[Picture]:
    """The sample photographs that are held out."""
    held_out = [photograph.path for photograph in sample_photographs() if photograph.split == "test"]
    return small_photographs()[:2] if quick() else [decode(path, **SIZES) for path in held_out]


def pairs_below(folder: Path) -> list[tuple[Picture, Picture]]:
    """Every fourth pair of one exposure and the mean of many."""
    files = sorted(folder.glob("*_real.jpg"))[::EVERY]
    if not files:
        raise UserError(f"{folder}: no pairs NAME_real.jpg and NAME_mean.jpg")
    return [
        (decode(file, **SIZES), decode(file.with_name(file.name.replace("_real", "_mean")), **SIZES)) for file in files
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.photo", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, action="append", default=[], help="clean photographs")
    parser.add_argument("--pairs", type=Path, help="pairs NAME_real.jpg and NAME_mean.jpg")
    parser.add_argument("--model", type=Path, help="instead of the released model")
    parser.add_argument("--quick", action="store_true", help="small crops, few levels; not saved")
    given = parser.parse_args()
    torch.set_num_threads(cores())
    report = Report("photo", "The released model", TEXT)
    try:
        photo = ContinuousDenoiser.load(given.model) if given.model else released_photo()
        models = {"photo": Restorer(photo), "FFDNet": Restorer(published_ffdnet())}
        sets = {folder.name: below(folder) for folder in given.folder} or {"the sample": sample()}
        pairs = pairs_below(given.pairs) if given.pairs else []
    except UserError as error:
        parser.error(str(error))
    for name, photographs in sets.items():
        report.table(f"White noise on {len(photographs)} photographs of {name}", white_noise(photographs, models))
    if pairs:
        report.table(f"Real noise: {len(pairs)} pairs of {given.pairs.name}", real_noise(pairs, models))
    first = next(iter(sets.values()))[:8]
    report.table(f"Pictures without noise, or hardly any; {len(first)} photographs", harm(first, models["photo"]))
    side = 64 if quick() else 512
    image = torch.rand(1, 3, side, side).contiguous(memory_format=torch.channels_last)
    passes: dict[str, Callable[[], object]] = {n: lambda m=m: m(image, sigma=0.1) for n, m in models.items()}  # type: ignore[misc]
    report.timings(f"A pass over {side} x {side} pixels, {cores()} threads", compare(passes), "FFDNet")
    if given.folder:
        report.save()


if __name__ == "__main__":
    main()
