"""The contact sheet: one image along the dial of every method."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ftn_core.report.figures import WIDTH

AMPLIFIED = 4
"""The factor by which error maps are brightened."""

RgbCrops = NDArray[np.uint8]


@dataclass(frozen=True)
class ContactSheet:
    """Crops of one image, ``S x S x 3`` of uint8: clean, degraded, and restored at each place of the dial."""

    clean: RgbCrops
    degraded: RgbCrops
    restored: RgbCrops
    """``P x S x S x 3``."""
    positions: list[float]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what the stage ``evaluate`` wrote."""
        with np.load(path) as file:
            return cls(file["clean"], file["degraded"], file["restored"], file["positions"].tolist())

    def errors(self) -> NDArray[np.float64]:
        """Absolute differences from the clean crop, averaged over channels, ``P x S x S`` in [0, 1]."""
        return np.abs(self.restored.astype(float) - self.clean).mean(axis=-1) / 255

    def psnr(self) -> list[float]:
        """The PSNR of each restored crop, in dB."""
        squares = ((self.restored.astype(float) - self.clean) ** 2).mean(axis=(1, 2, 3)) / 255**2
        return [float(-10 * np.log10(max(square, 1e-12))) for square in squares]


def plot_contact_sheet(name: str, sheet: ContactSheet, labels: list[str]) -> Figure:
    """One method: a column for each of a few dial positions; below each crop the remaining error, amplified.

    Args:
        labels: of all positions.
    """
    chosen = _chosen(sheet)
    figure, grid = plt.subplots(2, len(chosen), figsize=(WIDTH, 2.9), layout="constrained", squeeze=False)
    errors, psnr = sheet.errors(), sheet.psnr()
    for i, above, below in zip(chosen, *grid, strict=True):
        # at their own resolution, whatever the size on the screen
        above.imshow(sheet.restored[i], interpolation="none")
        above.set_title(f"{labels[i]}\n{psnr[i]:.2f} dB", fontsize=9)
        below.imshow(np.clip(AMPLIFIED * errors[i], 0, 1), cmap="magma", vmin=0, vmax=1, interpolation="none")
    for axes in grid.flat:
        axes.axis("off")
    figure.suptitle(name, fontsize=10)
    return figure


def _chosen(sheet: ContactSheet) -> list[int]:
    """Indices of at most five positions, evenly spaced, both ends included."""
    count = len(sheet.positions)
    return sorted({round(i * (count - 1) / 4) for i in range(5)})
