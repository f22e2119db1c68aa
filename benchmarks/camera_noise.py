"""Camera noise: the residuals of real exposures beside those of the degradation ``sensor``, and of white noise.

python -m benchmarks.camera_noise --folder FOLDER [--quick]
"""

import argparse
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Report, quick
from benchmarks.peers import Pixels
from benchmarks.small import small_photographs
from ftn_core.degradations.degradation import Degradation
from ftn_core.sources.decode import decode
from ftn_core.utils.errors import UserError

EVERY, BINS, SCALES = 4, 10, 3
QUALITY = 75
"""Of the files of PolyU, whose noise was compressed so, too."""
MATCHED = 1e-3
"""How far the energies of two residuals may differ, as a share."""
JPEG = {"name": "jpeg", "quality": QUALITY}
SENSOR = Degradation.build([{"name": "sensor", "grain": "level"}, JPEG])
WHITE = Degradation.build([{"name": "noise", "sigma": "level", "clip": True}, JPEG])

TEXT = f"""Pairs NAME_real.jpg and NAME_mean.jpg in a folder, every {EVERY}th by name: one exposure, and the mean of
many, as in PolyU (arXiv 1804.02603). The residual is their difference less its mean. Beside it: the residuals of
camera noise and of white noise that were added to NAME_mean, each compressed at JPEG quality {QUALITY}, that of
PolyU's files, with the level of each pair set so that the energy is that of the real residual. Standard deviations are
of 255. Bands of a Haar transform: 2 pixels are the finest; of white noise they have 75, 19, 5 and 2 %. What is coarser
than 8 pixels has changes of light and of place between exposures, too. Colours: the correlation of two channels'
residuals."""


@dataclass(frozen=True)
class Residual:
    """A photograph of ``3 x H x W`` and what one exposure adds to it, both on the scale to 255."""

    clean: Pixels
    added: NDArray[np.float64]
    level: float | None = None

    @classmethod
    def of(cls, clean: Pixels, exposed: Pixels, level: float | None = None) -> "Residual":
        difference = exposed.astype(np.float64) - clean
        return cls(clean, difference - difference.mean((1, 2), keepdims=True), level)

    @property
    def energy(self) -> float:
        return float(np.square(self.added).mean())


def matched(real: Residual, degrade: Degradation) -> Residual:
    """The residual of a degradation at the level that gives it the energy of the real one."""
    low, high = 0.0, 1.0
    while True:
        level = (low + high) / 2
        found = Residual.of(real.clean, degrade(real.clean, level), level)
        if abs(found.energy / real.energy - 1) < MATCHED or high - low < MATCHED / 255:
            return found
        low, high = (level, high) if found.energy < real.energy else (low, level)


def by_brightness(residuals: list[Residual]) -> Iterator[float]:
    """The standard deviation where the clean photograph is in each tenth of the range, over all channels."""
    clean = np.concatenate([residual.clean.ravel() for residual in residuals]).astype(int) * BINS // 256
    added = np.concatenate([residual.added.ravel() for residual in residuals])
    for tenth in range(BINS):
        inside = added[clean == tenth]
        yield float(inside.std()) if inside.size else 0.0


def bands(residual: Residual) -> NDArray[np.float64]:
    """The shares of energy in Haar's bands, from the finest, and in what remains."""
    height, width = (side - side % 2**SCALES for side in residual.added.shape[1:])
    image, energies = residual.added[:, :height, :width], []
    for _ in range(SCALES):
        pairs = image.reshape(3, image.shape[1] // 2, 2, image.shape[2] // 2, 2)
        whole, image = np.square(image).sum(), pairs.sum((2, 4)) / 2
        energies.append(whole - np.square(image).sum())
    shares = np.array([*energies, np.square(image).sum()])
    return shares / shares.sum()


def colours(residual: Residual) -> NDArray[np.float64]:
    """The correlations of red and green, green and blue, red and blue."""
    found = np.asarray(np.corrcoef(residual.added.reshape(3, -1)))
    return found[[0, 1, 0], [1, 2, 2]]


def mean(residuals: list[Residual], measured: Callable[[Residual], NDArray[np.float64]]) -> list[float]:
    return [float(value) for value in np.mean([measured(residual) for residual in residuals], axis=0)]


def rows(sets: Mapping[str, list[Residual]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Standard deviations by brightness, and all else; a row for each set."""
    brightness, other = [], []
    for name, residuals in sets.items():
        ends = [f"{256 * tenth // BINS}..{256 * (tenth + 1) // BINS - 1}" for tenth in range(BINS)]
        deviations = [f"{value:.1f}" for value in by_brightness(residuals)]
        brightness.append({"residual": name, **dict(zip(ends, deviations, strict=True))})
        levels = [255 * residual.level for residual in residuals if residual.level is not None]
        shares = [f"{share:.0%}" for share in mean(residuals, bands)]
        correlations = [f"{value:.2f}" for value in mean(residuals, colours)]
        other.append(
            {
                "residual": name,
                "level, mean": f"{statistics.fmean(levels):.1f}" if levels else "",
                "std": f"{statistics.fmean(residual.energy**0.5 for residual in residuals):.2f}",
                **dict(zip(["2 pixels", "4", "8", "coarser"], shares, strict=True)),
                **dict(zip(["red, green", "green, blue", "red, blue"], correlations, strict=True)),
            }
        )
    return brightness, other


def pairs(folder: Path) -> list[tuple[Pixels, Pixels]]:
    """Every fourth pair of a folder: the mean of many exposures, and one."""
    real = sorted(folder.glob("*_real.jpg"))[::EVERY]
    if not real:
        raise UserError(f"no NAME_real.jpg in {folder}: name a folder with pairs NAME_real.jpg and NAME_mean.jpg")
    files = [(path.with_name(path.name.replace("_real", "_mean")), path) for path in real]
    return [(_decoded(clean), _decoded(exposed)) for clean, exposed in files]


def _decoded(path: Path) -> Pixels:
    return decode(path, min_side=16, max_pixels=100_000_000)


def measure(name: str, found: list[tuple[Pixels, Pixels]]) -> Report:
    """Print both tables."""
    report = Report("camera_noise", "Camera noise", TEXT)
    real = [Residual.of(*pair) for pair in found]
    sets = {
        "real": real,
        "sensor": [matched(residual, SENSOR) for residual in real],
        "white noise": [matched(residual, WHITE) for residual in real],
    }
    brightness, other = rows(sets)
    report.table(f"Standard deviation by brightness, {len(real)} pairs of {name}", brightness)
    report.table(f"Bands and colours, {len(real)} pairs of {name}", other)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.camera_noise", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--folder", type=Path, help="pairs NAME_real.jpg and NAME_mean.jpg")
    parser.add_argument("--quick", action="store_true", help="small crops with made-up noise; not saved")
    folder = parser.parse_args().folder
    try:
        if quick():
            measure("the sample", [(pixels, SENSOR(pixels, 0.03)) for pixels in small_photographs()[:2]])
        elif folder:
            measure(folder.name, pairs(folder)).save()
        else:
            raise UserError("--folder is missing: no photographs with real noise come along")
    except UserError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
