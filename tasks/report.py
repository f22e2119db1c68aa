"""Stage ``report``: what was measured, for people and for comparing experiments."""

import csv
import json
from typing import TYPE_CHECKING

from tasks import workspace
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker


def report(params: "Parameters", tracker: "Tracker") -> None:
    """Draw the table, the figures and the page from what the other stages measured."""
    import numpy as np

    from ftn_core.report import curves, dial, filters, page, perception
    from ftn_core.report.figures import png
    from ftn_core.report.strips import AMPLIFIED, Strip, plot_strips
    from ftn_core.report.table import make_table
    from ftn_core.results import Costs, Evaluation, Filters, References
    from ftn_core.task import make_task
    from ftn_core.units import level_name

    unit = make_task(params.degradation, params.train.loss, params.finetune.loss).unit
    names = [*params.levels.methods, *map(workspace.chain, params.levels.chains)]
    references = References.read(workspace.REFERENCES)
    found = [Evaluation.read(workspace.method_result(name)) for name in names]
    evaluations = [e.model_copy(update={"scores": references.scores["base"] | e.scores}) for e in found]
    costs = Costs.read(workspace.COSTS).of
    moved = Filters.read(workspace.FILTERS)
    strips = {name: Strip.read(workspace.method_result(name).with_suffix(".npz")) for name in names}
    with np.load(workspace.FILTERS.with_suffix(".npz")) as file:
        pictures = {name: file[name] for name in file.files}

    table = make_table(references, evaluations, costs, unit)
    figures = {
        f"PSNR over {unit.name}": png(curves.plot_psnr(references, evaluations, unit)),
        "Loss over the dial": png(dial.plot_heat(evaluations, unit)),
        "The calibrated dial": png(dial.plot_dial(evaluations, unit)),
        "One image along the dial": png(plot_strips(strips)),
        "Correlation with the base by layer": png(filters.plot_correlation(moved)),
        f"Filters of {moved.convolution}": png(filters.plot_filters(moved, pictures)),
        "Where the filters go": png(filters.plot_trajectories(moved)),
    }
    if perception.measured(evaluations):
        figures["Perception and distortion"] = png(perception.plot_curve(references, evaluations))
    shown = iter([page.figure(caption, data) for caption, data in figures.items()])
    strip_level = f"{unit.name} {unit.label(evaluations[0].strip_level)}"
    sections = [
        page.Section(
            "The table",
            f"PSNR in dB (more is better) on test images that no network has seen, by {unit.name}: {unit.meaning}. "
            "Each method adapts the base alone to the levels without a star; at the others its dial is turned to the "
            "place that was best on validation images. 'From scratch' trains a network for each level anew, with as "
            "many steps as base and adaptation together: the reference. Parameters are what one more level adds; "
            "multiply-adds and time are those of one network in use, beside the base.",
            table.html() + f"<p>{table.legend().replace(chr(92), '')}</p>",
        ),
        page.Section(
            f"PSNR over {unit.name}",
            "Left: each method with its dial, and behind it, grey, the best that any network trained for one level "
            "reaches at that level. Right: the same beside the best row at each level, where small differences show.",
            next(shown),
        ),
        page.Section(
            "Where the dial should stand",
            "For each level (rows) what is lost by turning the dial elsewhere than to its best place; the line is what "
            "the calibration chose on validation images. Whole numbers are levels: 0 is the base, 1 the first adapted "
            "level. A wide bright band forgives a dial that is a little off.",
            next(shown) + next(shown),
        ),
        page.Section(
            "Turn it",
            f"The middle of the first test image at {strip_level}, restored at a few places of the dial. One end of it "
            "does too little here, the other too much.",
            page.dial(strips) + next(shown) + f"<p>Under each row: absolute error, {AMPLIFIED} times as bright.</p>",
        ),
        page.Section(
            "Smoothness",
            "The same image while the dial turns evenly from its beginning to its end in 20 steps. Evenness: the mean "
            "step over the largest, 1 where every turn changes as much as every other. Largest jump: root mean square "
            "over pixels, on the scale 0..255. Monotonicity: the share of steps that lead away from the beginning. "
            "Straightness: the distance between the ends over the length of the way.",
            page.smoothness_table(evaluations),
        ),
        page.Section(
            "What happens to the filters",
            "Methods that interpolate weights rely on the adapted filters staying close to the base's. First: how much "
            "each convolution's filters still correlate with the base's at the last level. Then some of them, and all "
            "of them in the plane in which most of the changes lie. A method that adds layers, as AdaFM does with "
            "filters larger than 1 x 1, leaves the base's filters as they are.",
            next(shown) + next(shown) + next(shown),
        ),
        page.Section(
            "SSIM",
            "The same table in structural similarity (1 is equal).",
            make_table(references, evaluations, costs, unit, metric="ssim").html(),
        ),
    ]
    if perception.measured(evaluations):
        sections.append(
            page.Section(
                "Perception and distortion",
                "The levels were adapted for another objective than the error of pixels. Each line is a method's dial "
                "at the last level, from the base's end to its own: what the objective gains, the pixels lose. A line "
                "to the left and below another is the better dial. The table has the objective in dB (more is better), "
                "at the place of the dial that belongs to each column.",
                next(shown) + make_table(references, evaluations, costs, unit, metric="objective").html(),
            )
        )
    introduction = (
        "Each network here restores images of one kind well and of every other kind badly. The methods adapt one "
        "trained network, the base, to other levels, and go through everything between by a dial. Levels are of "
        f"{unit.name}: {unit.meaning}. Trained levels are those that networks were trained for."
    )
    text = page.page("Image restoration with a dial", introduction, sections)
    workspace.TABLE.write_text(table.markdown())
    workspace.REPORT.write_text(text)
    # what experiments are compared by: PSNR in dB, by row, by level
    scores = {"base": references.scores["base"]}
    own = {level: references.scores[name][level] for level, name in references.from_scratch.items()}
    scores |= {"from scratch": own} if len(own) > 1 else {}
    scores |= {name: references.scores[name] for name in references.level_input}
    scores |= {e.name: e.scores for e in evaluations}
    psnr = {name: {level_name(s): round(x.psnr, 4) for s, x in by_level.items()} for name, by_level in scores.items()}
    with workspace.PSNR.open("w", newline="") as file:
        rows = ((name, level, value) for name, by_level in psnr.items() for level, value in by_level.items())
        csv.writer(file, lineterminator="\n").writerows([("row", "level", "psnr"), *rows])
    workspace.METRICS.write_text(json.dumps({"psnr": psnr}, indent=2) + "\n")
    for path in (workspace.TABLE, workspace.REPORT):
        tracker.artifact(path)
    for caption, data in figures.items():
        tracker.figure(caption, data)


if __name__ == "__main__":
    main(report)
