"""The dial: its best position at each level, and the loss at other positions."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from ftn_core.evaluation.records.evaluation import Evaluation
from ftn_core.parameters.quantities import Quantity
from ftn_core.report.figures import TEXT, WIDTH, legend, styles

_FLOOR = -6.0
"""In dB: losses beyond this have the same colour."""


def place_of(e: Evaluation, level: float) -> float:
    """Where the dial stands for a level."""
    levels, places = zip(*sorted(e.dial), strict=True)
    return float(np.interp(level, levels, places))


def level_of(e: Evaluation, place: float) -> float:
    """The level that the dial is for at a place."""
    places, levels = zip(*sorted((place, level) for level, place in e.dial), strict=True)
    return float(np.interp(place, places, levels))


def plot_heat(evaluations: Sequence[Evaluation], quantity: Quantity) -> list[Figure]:
    """For each method the loss in dB beside the best dial position, over levels and positions, and the calibrated path.

    The dial's axis is even in its positions, and says which levels lie there.
    """
    figures = []
    for e in evaluations:
        figure, axes = plt.subplots(figsize=(WIDTH, 3.9), layout="constrained")
        levels = sorted({point.level for point in e.grid})
        places = sorted({point.position for point in e.grid})
        psnr = np.full((len(levels), len(places)), np.nan)
        for point in e.grid:
            psnr[levels.index(point.level), places.index(point.position)] = point.psnr
        loss = psnr - psnr.max(axis=1, keepdims=True)
        # by rank, so that unevenly spaced levels get rows of equal height
        mesh = axes.pcolormesh(places, range(len(levels)), loss, vmin=_FLOOR, vmax=0, cmap="viridis", shading="nearest")
        path = [(place_of(e, level), row) for row, level in enumerate(levels)]
        axes.plot(*zip(*path, strict=True), color="white", lw=3.5)
        axes.plot(*zip(*path, strict=True), color="#D55E00", marker="o", ms=4, lw=1.6, label="calibrated")
        axes.set_xticks([place for _, place in e.whole], [f"{level:.3g}" for level, _ in e.whole])
        axes.set_yticks(range(len(levels)), [f"{level:.3g}" for level in levels])
        axes.set(title=e.name, xlabel=f"dial, set to {quantity.name}", ylabel=f"{quantity.name} of the image")
        figure.colorbar(mesh, ax=axes, label="PSNR in dB beside the best", shrink=0.9, extend="min")
        legend(figure)
        figures.append(figure)
    return figures


def plot_dial(evaluations: Sequence[Evaluation], quantity: Quantity) -> Figure:
    """The calibrated dial, in the levels that it would be set to if it were linear between the trained levels."""
    figure, axes = plt.subplots(figsize=(WIDTH, 4.6), layout="constrained")
    style_of = styles(e.name for e in evaluations)
    for e in evaluations:
        known, nominal = zip(*sorted((place, level) for level, place in e.whole), strict=True)
        linear = [float(np.interp(place, known, nominal)) for _, place in e.dial]
        levels = [level for level, _ in e.dial]
        axes.plot(levels, linear, label=e.name, ms=5, lw=1.3, **style_of[e.name])  # type: ignore[arg-type]
    axes.plot(evaluations[0].ends, evaluations[0].ends, color=TEXT, alpha=0.5, lw=1, label="linear")
    axes.set(xlabel=f"{quantity.name} of the image", ylabel=f"{quantity.name} at this place of a linear dial")
    axes.grid(alpha=0.3)
    legend(figure)
    return figure
