"""Stage ``report``: the table, the figures and the page."""

import csv
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import BaseModel

from ftn_core.data.task import make_task
from ftn_core.evaluation.records.baselines import Baselines
from ftn_core.evaluation.records.costs import Costs
from ftn_core.evaluation.records.evaluation import Evaluation
from ftn_core.evaluation.records.filters import Filters
from ftn_core.parameters import Parameters
from ftn_core.report.contact_sheet import ContactSheet
from ftn_core.report.sections import Findings
from ftn_core.utils.levels import level_name
from registry.repository import commit, commit_date
from tasks import paths
from tasks.tracking.tracker import Tracker


def report(params: Parameters, tracker: Tracker) -> None:
    """Draw the table, the figures and the page from what the other stages measured."""
    baselines = Baselines.read(paths.BASELINES)
    measured = [Evaluation.read(paths.method_result(name)) for name in params.levels.rows]
    with np.load(paths.FILTERS.with_suffix(".npz")) as file:
        pictures = {name: file[name] for name in file.files}
    manifest = json.loads(paths.MANIFEST.read_text())
    shown = {
        "seed": params.seed, "data.seed": params.data.seed, "data.source": params.data.source,
        "degradation": params.degradation, "network": params.network, "train": params.train,
        "finetune": params.finetune,
    }  # fmt: skip
    findings = Findings(
        baselines=baselines,
        evaluations=[e.model_copy(update={"scores": baselines.scores["base"] | e.scores}) for e in measured],
        costs=Costs.read(paths.COSTS).of,
        filters=Filters.read(paths.FILTERS),
        filter_pictures=pictures,
        sheets={name: ContactSheet.read(paths.method_result(name).with_suffix(".npz")) for name in params.levels.rows},
        quantity=make_task(params.degradation, params.train.loss, params.finetune.loss).quantity,
        training=_training_curves(),
        origin={"commit": f"{commit()}, {commit_date()}"} | _photographs(manifest) | _values(shown),
        test_images=sum(image["split"] == "test" for image in manifest["images"]),
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
    for caption, drawn in figures.items():
        for i, data in enumerate(drawn, 1):
            tracker.figure(f"{caption} {i}" if len(drawn) > 1 else caption, data)
    results = {f"psnr/{name}/{level}": value for name, by_level in psnr.items() for level, value in by_level.items()}
    tracker.pipeline(results, [paths.TABLE, paths.REPORT])


def _training_curves() -> dict[str, list[tuple[float, float]]]:
    """Step and validation score, by the training's name."""
    curves = {}
    for path in sorted(paths.CURVES.glob("*.csv")):
        with path.open(newline="") as file:
            curves[path.stem] = [(float(row["step"]), float(row["val_score"])) for row in csv.DictReader(file)]
    return curves


def _photographs(manifest: Mapping[str, Any]) -> dict[str, str]:
    images = manifest["images"]
    splits = {
        split: [image["name"] for image in images if image["split"] == split] for split in ("train", "val", "test")
    }
    counts = ", ".join(f"{len(names)} {split}" for split, names in splits.items())
    terms = sorted({f"{image['source']}: {image['terms']}" for image in images})
    named = {"photographs": counts, "test photographs": ", ".join(splits["test"])}
    return named | {"terms of the photographs": "; ".join(terms)}


def _values(shown: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as text."""
    return {name: value if isinstance(value, str) else _json(value) for name, value in shown.items()}


def _json(value: Any) -> str:  # noqa: ANN401 - a value of params.yaml
    return json.dumps(value, default=BaseModel.model_dump)
