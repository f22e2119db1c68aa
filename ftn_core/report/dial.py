"""The dial: its best position at each level, and the loss at other positions."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from ftn_core.evaluation.records.evaluation import Evaluation
from ftn_core.parameters.quantities import Quantity
from ftn_core.report.figures import styles

_FLOOR = -6.0
"""In dB: losses beyond this have the same colour."""


def plot_heat(evaluations: Sequence[Evaluation], quantity: Quantity) -> Figure:
    """The loss in dB relative to the best dial position, over levels and positions, and the calibrated path."""
    columns = min(3, len(evaluations))
    rows = math.ceil(len(evaluations) / columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(3.6 * columns + 1.2, 3.1 * rows + 0.4), layout="constrained", squeeze=False
    )
    for axes in grid.flat[len(evaluations) :]:
        axes.axis("off")
    for axes, e in zip(grid.flat, evaluations, strict=False):
        levels = sorted({point.level for point in e.grid})
        places = sorted({point.position for point in e.grid})
        psnr = np.full((len(levels), len(places)), np.nan)
        for point in e.grid:
            psnr[levels.index(point.level), places.index(point.position)] = point.psnr
        loss = psnr - psnr.max(axis=1, keepdims=True)
        # by rank, so that unevenly spaced levels get rows of equal height
        mesh = axes.pcolormesh(places, range(len(levels)), loss, vmin=_FLOOR, vmax=0, cmap="viridis", shading="nearest")
        known, stands = zip(*sorted(e.dial), strict=True)
        path = [(float(np.interp(level, known, stands)), row) for row, level in enumerate(levels)]
        axes.plot(*zip(*path, strict=True), color="white", lw=3.5)
        axes.plot(*zip(*path, strict=True), color="#D55E00", marker="o", ms=4, lw=1.6, label="calibrated")
        axes.set_xticks([place for _, place in e.whole], [f"{place:g}\n({level:.3g})" for level, place in e.whole])
        axes.set_yticks(range(len(levels)), [f"{level:.3g}" for level in levels])
        axes.set_title(e.name, fontsize=10)
    figure.supxlabel("place of the dial (in brackets the level that lies there)", fontsize=9)
    figure.supylabel(quantity.name, fontsize=9)
    figure.colorbar(mesh, ax=grid, label="PSNR in dB beside the best place of the dial", shrink=0.8, extend="min")
    figure.legend(*grid.flat[0].get_legend_handles_labels(), loc="outside upper left", fontsize=8)
    return figure


def plot_dial(evaluations: Sequence[Evaluation], quantity: Quantity) -> Figure:
    """The calibrated map from level to dial position, as a share of the whole dial, to make chains comparable."""
    figure, axes = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
    style_of = styles(e.name for e in evaluations)
    for e in evaluations:
        first, last = e.whole[0][1], e.whole[-1][1]
        places = [(place - first) / (last - first) for _, place in e.dial]
        levels = [level for level, _ in e.dial]
        axes.plot(levels, places, label=e.name, ms=5, lw=1.3, **style_of[e.name])  # type: ignore[arg-type]
    axes.plot(evaluations[0].ends, (0, 1), color="0.6", lw=1, label=f"linear in {quantity.name}")
    axes.set(xlabel=f"{quantity.name}: {quantity.meaning}", ylabel="calibrated place, of the whole dial")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=8)
    return figure
