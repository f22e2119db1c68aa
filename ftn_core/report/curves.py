"""PSNR over sigma."""

from collections.abc import Sequence

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from ftn_core.report.figures import styles
from ftn_core.results import Evaluation, References


def plot_psnr(references: References, evaluations: Sequence[Evaluation]) -> Figure:
    """PSNR of each method, the envelope of the networks trained for one level, and what each is below the best row."""
    curves = {e.name: {s: score.psnr for s, score in e.scores.items()} for e in evaluations}
    curves |= {name: {s: x.psnr for s, x in references.scores[name].items()} for name in references.level_input}
    sigmas = list(next(iter(curves.values())))
    scratch = [references.scores[name] for name in references.from_scratch.values()]
    envelope = [max(scores[sigma].psnr for scores in scratch) for sigma in sigmas]
    best = {sigma: max(curve[sigma] for curve in curves.values()) for sigma in sigmas}

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
    look = styles(curves)
    for name, curve in curves.items():
        left.plot(sigmas, list(curve.values()), label=name, ms=5, lw=1.3, **look[name])  # type: ignore[arg-type]
        right.plot(sigmas, [curve[s] - best[s] for s in sigmas], ms=5, lw=1.3, **look[name])  # type: ignore[arg-type]
    base = [references.scores["base"][sigma].psnr for sigma in sigmas]
    left.plot(sigmas, base, color="0.6", lw=1, label="base alone")
    left.plot(sigmas, envelope, color="0.2", lw=5, alpha=0.25, label="best network of one level")
    right.plot(sigmas, [e - best[s] for e, s in zip(envelope, sigmas, strict=True)], color="0.2", lw=5, alpha=0.25)
    lowest = min(curve[s] - best[s] for curve in curves.values() for s in sigmas)
    right.set_ylim(max(1.15 * lowest, -3) - 0.02, None)
    for axes in (left, right):
        axes.set_xlabel("sigma of the noise (images in [0, 1])")
        axes.set_xticks(sigmas, [f"{sigma:.3g}" for sigma in sigmas])
        axes.grid(alpha=0.3)
    left.set_ylabel("PSNR in dB")
    right.set_ylabel("PSNR in dB beside the best row's")
    figure.legend(loc="outside lower center", ncols=5, fontsize=8)
    return figure
