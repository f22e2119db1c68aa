"""Stage ``evaluate``: the table, the dial and the pictures, on test images alone."""

import csv
import itertools
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tasks import workspace
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker


def evaluate(params: "Parameters", tracker: "Tracker") -> None:
    """Score every method at every sigma on the test images; write metrics, table, plots and report."""
    from torch import nn

    from ftn_core import report
    from ftn_core.continuous import ContinuousDenoiser
    from ftn_core.data.pairs import Pairs
    from ftn_core.data.store import Store
    from ftn_core.device import make_fabric
    from ftn_core.evaluation import dial_strip, positions, score, sweep
    from ftn_core.metrics import Score
    from ftn_core.progress import Progress

    device = make_fabric(params.threads).device
    clean = Store(workspace.PHOTOGRAPHS / "test")
    noisy = {sigma: Store(workspace.noisy_set(sigma) / "test") for sigma in params.data.sigmas}
    pairs = Pairs(clean, noisy, device)
    levels = [params.levels.base, *params.levels.adapted]

    def scores_of(network: nn.Module) -> dict[float, Score]:
        return {sigma: score(network, pairs, sigma) for sigma in noisy}

    def load(level: float) -> nn.Module:
        return ContinuousDenoiser.load(workspace.scratch(level)).to(device).base

    floor = json.loads(workspace.CLASSICAL.read_text())
    base = ContinuousDenoiser.load(workspace.BASE).to(device).base
    dials = [report.Row(f"base, trained at {levels[0]}", scores_of(base))]
    rows = [
        report.Row("noisy input", scores_of(nn.Identity())),
        *(report.Row(name, {s: Score(**scores[str(s)]) for s in noisy}) for name, scores in floor.items()),
        dials[0],
        *(report.Row(f"from scratch at {level}", scores_of(load(level))) for level in params.levels.from_scratch),
    ]
    figures, samples = {}, []
    # at each sigma the dial's samples beyond the base, and the calibrated place
    total = len(params.levels.methods) * len(noisy) * (len(params.levels.adapted) * params.evaluate.alphas + 1)
    progress, passes = Progress(tracker.stage, "passes", total), itertools.count(1)
    for method in params.levels.methods:
        denoiser = ContinuousDenoiser.load(workspace.denoiser(method)).to(device)
        grid = positions(denoiser, params.evaluate.alphas)
        by_sigma = {s: {0.0: dials[0].scores[s]} for s in noisy}  # position 0 is the base, bit for bit
        where = {s: [place for place in (*grid, denoiser.position(s)) if place] for s in noisy}
        for sigma, place, result in sweep(denoiser, where, pairs):
            by_sigma[sigma][place] = result
            progress(next(passes))
        for sigma, found in by_sigma.items():
            samples += [(method, sigma, place, s.psnr, s.ssim) for place, s in sorted(found.items())]
        for i, level in enumerate(params.levels.adapted, 1):
            rows.append(report.Row(f"{method}, adapted to {level}", {s: by_sigma[s][float(i)] for s in noisy}))
        dials.append(report.Row(f"{method}, interpolated", {s: by_sigma[s][denoiser.position(s)] for s in noisy}))
        rows.append(dials[-1])
        sampled = {s: {place: by_sigma[s][place] for place in grid} for s in noisy}
        figures[f"The dial of {method}"] = report.png(report.plot_dial(sampled, denoiser.dial, levels))
        strip = dial_strip(denoiser, clean, noisy, device)
        figures[f"One photograph along the dial of {method}"] = report.png(report.picture_strip(strip))
    figures = {"PSNR over sigma": report.png(report.plot_psnr(rows)), **figures}

    # what experiments are compared by: the dial's results, by name of the method
    summary = dict(zip(["base", *params.levels.methods], dials, strict=True))
    metrics = {name: {str(sigma): round(s.psnr, 4) for sigma, s in row.scores.items()} for name, row in summary.items()}
    workspace.METRICS.write_text(json.dumps({"psnr": metrics}, indent=2) + "\n")
    workspace.TABLE.write_text(report.markdown_table(rows, levels))
    columns = summary | {row.name: row for row in rows if row not in dials}
    psnr = [(sigma, *(row.scores[sigma].psnr for row in columns.values())) for sigma in noisy]
    _write_csv("psnr.csv", ["sigma", *columns], psnr)
    _write_csv("dial.csv", ["method", "sigma", "position", "psnr", "ssim"], samples)
    names = ", ".join(clean.names[:8]) + (f" and {len(clean) - 8} more" if len(clean) > 8 else "")
    notes = f"* no network was trained for this sigma. Test images, never trained or calibrated on: {names}."
    page = report.html_page("Continuous-level denoising", rows, levels, figures, notes)
    (workspace.RESULTS / "report.html").write_text(page)

    for file_name in ("table.md", "report.html", "psnr.csv", "dial.csv"):
        tracker.artifact(workspace.RESULTS / file_name)
    for sigma in noisy:
        by_row = {f"psnr/{row.name}".replace(",", ""): row.scores[sigma].psnr for row in rows}
        tracker.metrics(by_row, step=round(1000 * sigma))
    for caption, data in figures.items():
        tracker.figure(caption, data)


def _write_csv(name: str, head: list[str], rows: Sequence[tuple[object, ...]]) -> None:
    with (workspace.RESULTS / name).open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])


if __name__ == "__main__":
    main(evaluate)
