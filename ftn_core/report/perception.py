"""The perception-distortion curve: what a turn of the dial gains in the level's own objective and costs in pixels."""

import itertools
from collections.abc import Sequence

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from ftn_core.evaluation.records.baselines import Baselines
from ftn_core.evaluation.records.evaluation import Evaluation
from ftn_core.report.figures import styles


def measured(evaluations: Sequence[Evaluation]) -> bool:
    """Whether the levels have an objective beside the pixels' error."""
    return any(point.objective is not None for e in evaluations for point in e.grid)


def plot_curve(baselines: Baselines, evaluations: Sequence[Evaluation]) -> Figure:
    """Distortion and distance by the objective at each place of the dial, a line for each method (arXiv 1711.06077).

    All at the last level, over the test images of the heat map; the networks trained for one level over all of them.
    """
    figure, axes = plt.subplots(figsize=(7.5, 5), layout="constrained")
    look = styles(e.name for e in evaluations)
    for e in evaluations:
        places = [(p.psnr, -p.objective) for p in e.grid if p.level == e.trained[-1] and p.objective is not None]
        axes.plot(*zip(*places, strict=True), label=e.name, ms=5, lw=1.3, **look[e.name])  # type: ignore[arg-type]
    last = evaluations[0].trained[-1]
    for name, marker in zip(baselines.from_scratch.values(), itertools.cycle("x+1234")):
        score = baselines.scores[name][last]
        if score.objective is not None:
            axes.plot(score.psnr, -score.objective, marker, color="0.3", ms=9, label=name)
    axes.invert_xaxis()  # distortion grows to the right
    axes.set(
        xlabel="distortion: PSNR in dB, better to the left", ylabel="distance by the objective in dB, better below"
    )
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=8)
    return figure
