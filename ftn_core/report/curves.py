"""PSNR over the levels, and validation scores over the steps of training."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ftn_core.evaluation.records.baselines import Baselines
from ftn_core.evaluation.records.evaluation import Evaluation
from ftn_core.parameters.quantities import Quantity
from ftn_core.report.figures import TEXT, WIDTH, legend, styles


def plot_psnr(baselines: Baselines, evaluations: Sequence[Evaluation], quantity: Quantity) -> list[Figure]:
    """PSNR of each method over the levels, and its distance from the best row at each level.

    The broad envelope is the best network trained for one level, at each level.
    """
    curves = {e.name: {s: score.psnr for s, score in e.scores.items()} for e in evaluations}
    curves |= {name: {s: x.psnr for s, x in baselines.scores[name].items()} for name in baselines.noise_conditioned}
    levels = list(next(iter(curves.values())))
    scratch = [baselines.scores[name] for name in baselines.from_scratch.values()]
    envelope = [max(scores[level].psnr for scores in scratch) for level in levels]
    best = {level: max(curve[level] for curve in curves.values()) for level in levels}

    (absolute, psnr), (relative, distance) = (_axes(quantity, levels) for _ in range(2))
    style_of = styles(curves)
    for name, curve in curves.items():
        psnr.plot(levels, list(curve.values()), label=name, ms=5, lw=1.3, **style_of[name])  # type: ignore[arg-type]
        below_best = [curve[s] - best[s] for s in levels]
        distance.plot(levels, below_best, label=name, ms=5, lw=1.3, **style_of[name])  # type: ignore[arg-type]
    base = [baselines.scores["base"][level].psnr for level in levels]
    psnr.plot(levels, base, color="0.6", lw=1, label="base alone")
    if "degraded input" in baselines.scores:
        given = [baselines.scores["degraded input"][level].psnr for level in levels]
        psnr.plot(levels, given, color="0.6", lw=1, ls=":", label="degraded input")
    wide: dict[str, Any] = {"color": TEXT, "lw": 5, "alpha": 0.25, "label": "best network of one level"}
    psnr.plot(levels, envelope, **wide)
    distance.plot(levels, [e - best[s] for e, s in zip(envelope, levels, strict=True)], **wide)
    lowest = min(curve[s] - best[s] for curve in curves.values() for s in levels)
    distance.set_ylim(max(1.15 * lowest, -3) - 0.02, None)
    psnr.set_ylabel("PSNR in dB")
    distance.set_ylabel("PSNR in dB beside the best row's")
    for figure in (absolute, relative):
        legend(figure)
    return [absolute, relative]


def _axes(quantity: Quantity, levels: Sequence[float]) -> tuple[Figure, Axes]:
    figure, axes = plt.subplots(figsize=(WIDTH, 4.6), layout="constrained")
    # of levels that lie too close for their labels only the first is labelled
    least = 0.06 * (max(levels) - min(levels))
    labelled: list[float] = []
    for level in sorted(levels):
        if not labelled or level - labelled[-1] >= least:
            labelled.append(level)
    axes.set_xticks(labelled, [f"{level:.3g}" for level in labelled])
    axes.set_xticks(levels, minor=True)
    axes.set_xlabel(quantity.name)
    axes.grid(alpha=0.3)
    return figure, axes


def plot_training(curves: Mapping[str, Sequence[tuple[float, float]]]) -> Figure:
    """Validation scores over steps, a line for each training.

    Args:
        curves: step and score in dB, by the training's name.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 4.6), layout="constrained")
    style_of = styles(curves)
    for name, points in curves.items():
        axes.plot(*zip(*points, strict=True), label=name, ms=4, lw=1.2, **style_of[name])  # type: ignore[arg-type]
    axes.set(xlabel="step", ylabel="validation score in dB")
    axes.grid(alpha=0.3)
    legend(figure)
    return figure
