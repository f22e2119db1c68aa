"""The perception-distortion curve: what moving the dial gains in the level's objective, and costs in PSNR."""

import itertools
from collections.abc import Sequence

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from ftn_core.evaluation.records.baselines import Baselines
from ftn_core.evaluation.records.evaluation import Evaluation
from ftn_core.report.figures import TEXT, WIDTH, legend, styles


def measured(evaluations: Sequence[Evaluation]) -> bool:
    """Whether the levels have an objective other than the error of pixels."""
    return any(point.objective is not None for e in evaluations for point in e.grid)


def plot_curve(baselines: Baselines, evaluations: Sequence[Evaluation]) -> Figure:
    """Distance by the objective over distortion (arXiv 1711.06077): a line along the dial for each method.

    All points are at the last level. The lines average over the heat map's test images. Single
    markers are the networks trained for one level, which average over all test images.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 4.8), layout="constrained")
    style_of = styles(e.name for e in evaluations)
    for e in evaluations:
        places = [(p.psnr, -p.objective) for p in e.grid if p.level == e.trained[-1] and p.objective is not None]
        axes.plot(*zip(*places, strict=True), label=e.name, ms=5, lw=1.3, **style_of[e.name])  # type: ignore[arg-type]
    last = evaluations[0].trained[-1]
    for name, marker in zip(baselines.from_scratch.values(), itertools.cycle("x+1234")):
        score = baselines.scores[name][last]
        if score.objective is not None:
            axes.plot(score.psnr, -score.objective, marker, color=TEXT, ms=9, label=name)
    axes.invert_xaxis()  # distortion grows to the right
    axes.set(xlabel="distortion: PSNR in dB, better to the left", ylabel="distance in dB, better below")
    axes.grid(alpha=0.3)
    legend(figure)
    return figure
