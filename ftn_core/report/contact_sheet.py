"""The contact sheet: one image along the dial of every method."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

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


def plot_contact_sheet(sheets: Mapping[str, ContactSheet]) -> Figure:
    """A row for each method, a column for each dial position; below each row the remaining error, amplified."""
    first = next(iter(sheets.values()))
    columns = 1 + max(len(_chosen(sheet)) for sheet in sheets.values())
    rows = 2 * len(sheets) + 1
    figure, grid = plt.subplots(rows, columns, figsize=(1.5 * columns, 1.62 * rows), layout="constrained")
    for axes in grid.flat:
        axes.axis("off")
    for axes, name, picture in ((grid[0, 1], "clean", first.clean), (grid[0, 2], "degraded", first.degraded)):
        axes.imshow(picture)
        axes.set_title(name, fontsize=8)
    for row, (name, sheet) in enumerate(sheets.items()):
        above, below = grid[2 * row + 1], grid[2 * row + 2]
        above[0].text(0, 0.5, name, fontsize=9, wrap=True, va="center", transform=above[0].transAxes)
        errors, psnr = sheet.errors(), sheet.psnr()
        for i, picture, error in zip(_chosen(sheet), above[1:], below[1:], strict=False):
            picture.imshow(sheet.restored[i])
            picture.set_title(f"at {sheet.positions[i]:.3g}: {psnr[i]:.2f} dB", fontsize=8)
            error.imshow(np.clip(AMPLIFIED * errors[i], 0, 1), cmap="magma", vmin=0, vmax=1)
    return figure


def _chosen(sheet: ContactSheet) -> list[int]:
    """Indices of at most five positions, evenly spaced, both ends included."""
    count = len(sheet.positions)
    return sorted({round(i * (count - 1) / 4) for i in range(5)})
