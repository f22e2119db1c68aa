"""Stage ``report``: the table, the figures and the page."""

import csv
import json

import numpy as np

from ftn_core.data.task import make_task
from ftn_core.evaluation.records.baselines import Baselines
from ftn_core.evaluation.records.costs import Costs
from ftn_core.evaluation.records.evaluation import Evaluation
from ftn_core.evaluation.records.filters import Filters
from ftn_core.parameters import Parameters
from ftn_core.report.contact_sheet import ContactSheet
from ftn_core.report.sections import Findings
from ftn_core.utils.levels import level_name
from tasks import paths
from tasks.tracking.tracker import Tracker


def report(params: Parameters, tracker: Tracker) -> None:
    """Draw the table, the figures and the page from what the other stages measured."""
    baselines = Baselines.read(paths.BASELINES)
    measured = [Evaluation.read(paths.method_result(name)) for name in params.levels.rows]
    with np.load(paths.FILTERS.with_suffix(".npz")) as file:
        pictures = {name: file[name] for name in file.files}
    findings = Findings(
        baselines=baselines,
        evaluations=[e.model_copy(update={"scores": baselines.scores["base"] | e.scores}) for e in measured],
        costs=Costs.read(paths.COSTS).of,
        filters=Filters.read(paths.FILTERS),
        filter_pictures=pictures,
        sheets={name: ContactSheet.read(paths.method_result(name).with_suffix(".npz")) for name in params.levels.rows},
        quantity=make_task(params.degradation, params.train.loss, params.finetune.loss).quantity,
    )
    figures = findings.figures()
    paths.TABLE.write_text(findings.table().markdown())
    paths.REPORT.write_text(findings.page(figures))
    psnr = {name: {level_name(s): x for s, x in by_level.items()} for name, by_level in findings.psnr().items()}
    with paths.PSNR.open("w", newline="") as file:
        rows = ((name, level, value) for name, by_level in psnr.items() for level, value in by_level.items())
        csv.writer(file, lineterminator="\n").writerows([("row", "level", "psnr"), *rows])
    paths.METRICS.write_text(json.dumps({"psnr": psnr}, indent=2) + "\n")
    for path in (paths.TABLE, paths.REPORT):
        tracker.artifact(path)
    for caption, data in figures.items():
        tracker.figure(caption, data)
    results = {f"psnr/{name}/{level}": value for name, by_level in psnr.items() for level, value in by_level.items()}
    tracker.pipeline(results, [paths.TABLE, paths.REPORT])
