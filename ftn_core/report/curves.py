"""PSNR over the levels."""

from collections.abc import Sequence

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from ftn_core.evaluation.records.baselines import Baselines
from ftn_core.evaluation.records.evaluation import Evaluation
from ftn_core.parameters.quantities import Quantity
from ftn_core.report.figures import styles


def plot_psnr(baselines: Baselines, evaluations: Sequence[Evaluation], quantity: Quantity) -> Figure:
    """PSNR of each method over the levels, and its distance from the best row at each level.

    The grey envelope is the best network trained for one level, at each level.
    """
    curves = {e.name: {s: score.psnr for s, score in e.scores.items()} for e in evaluations}
    curves |= {name: {s: x.psnr for s, x in baselines.scores[name].items()} for name in baselines.noise_conditioned}
    levels = list(next(iter(curves.values())))
    scratch = [baselines.scores[name] for name in baselines.from_scratch.values()]
    envelope = [max(scores[level].psnr for scores in scratch) for level in levels]
    best = {level: max(curve[level] for curve in curves.values()) for level in levels}

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
    style_of = styles(curves)
    for name, curve in curves.items():
        left.plot(levels, list(curve.values()), label=name, ms=5, lw=1.3, **style_of[name])  # type: ignore[arg-type]
        below_best = [curve[s] - best[s] for s in levels]
        right.plot(levels, below_best, ms=5, lw=1.3, **style_of[name])  # type: ignore[arg-type]
    base = [baselines.scores["base"][level].psnr for level in levels]
    left.plot(levels, base, color="0.6", lw=1, label="base alone")
    if "degraded input" in baselines.scores:
        given = [baselines.scores["degraded input"][level].psnr for level in levels]
        left.plot(levels, given, color="0.6", lw=1, ls=":", label="degraded input")
    left.plot(levels, envelope, color="0.2", lw=5, alpha=0.25, label="best network of one level")
    right.plot(levels, [e - best[s] for e, s in zip(envelope, levels, strict=True)], color="0.2", lw=5, alpha=0.25)
    lowest = min(curve[s] - best[s] for curve in curves.values() for s in levels)
    right.set_ylim(max(1.15 * lowest, -3) - 0.02, None)
    for axes in (left, right):
        axes.set_xlabel(f"{quantity.name}: {quantity.meaning}")
        axes.set_xticks(levels, [f"{level:.3g}" for level in levels])
        axes.grid(alpha=0.3)
    left.set_ylabel("PSNR in dB")
    right.set_ylabel("PSNR in dB beside the best row's")
    figure.legend(loc="outside lower center", ncols=5, fontsize=8)
    return figure
