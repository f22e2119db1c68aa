"""How the methods change the base's filters."""

from collections.abc import Mapping

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ftn_core.evaluation.records.filters import Filters
from ftn_core.report.figures import TEXT, WIDTH, legend, styles


def plot_correlation(filters: Filters) -> Figure:
    """The mean correlation with the base's filters, over the convolutions; a line for each method's last level."""
    last = {change.name: change for change in filters.changes}
    convolutions = list(next(iter(last.values())).correlation)
    figure, axes = plt.subplots(figsize=(WIDTH, 5.2), layout="constrained")
    style_of = styles(last)
    for name, change in last.items():
        style = style_of[name] | {"label": f"{name} at {change.level:.3g}"}
        axes.plot(list(change.correlation.values()), ms=4, lw=1.2, **style)  # type: ignore[arg-type]
    step = max(1, len(convolutions) // 12)
    axes.set_xticks(range(0, len(convolutions), step), convolutions[::step], rotation=60, ha="right", fontsize=8)
    axes.set(xlabel="convolution, from input to output", ylabel="correlation with the base's filters")
    axes.grid(alpha=0.3)
    legend(figure)
    return figure


def plot_trajectories(filters: Filters) -> Figure:
    """The positions of each level's filters in the plane that contains most of all methods' changes."""
    figure, axes = plt.subplots(figsize=(WIDTH, 4.8), layout="constrained")
    style_of = styles(filters.trajectories)
    for name, places in filters.trajectories.items():
        axes.plot(*zip(*places, strict=True), label=name, ms=6, lw=1.3, **style_of[name])  # type: ignore[arg-type]
    axes.plot(0, 0, "o", color=TEXT, ms=9)
    axes.annotate("base", (0, 0), textcoords="offset points", xytext=(8, -14))
    first, second = filters.explained
    axes.set(
        xlabel=f"first component, {100 * first:.0f} % of the variance",
        ylabel=f"second component, {100 * second:.0f} %",
    )
    axes.grid(alpha=0.3)
    legend(figure)
    return figure


def plot_filters(filters: Filters, pictures: Mapping[str, NDArray[np.float32]]) -> Figure:
    """Eight filters of one convolution: the base's in the first row, each level's in a row below."""
    count = min(8, len(pictures["base"]))
    figure, grid = plt.subplots(
        len(pictures), count, figsize=(WIDTH, 0.44 * len(pictures) + 0.5), squeeze=False, layout="constrained"
    )
    limit = max(float(np.abs(bank).max()) for bank in pictures.values())
    for row, (name, bank) in zip(grid, pictures.items(), strict=True):
        for axes, picture in zip(row, bank[:count], strict=True):
            drawn = axes.imshow(picture, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="none")
            axes.set(xticks=[], yticks=[])
        label = name if name == "base" else "{} at {:.3g}".format(*_split(name))
        row[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8)
    figure.colorbar(drawn, ax=grid, label="weight", shrink=0.8)
    return figure


def _split(name: str) -> tuple[str, float]:
    method, level = name.rsplit("/", 1)
    return method, float(level)
