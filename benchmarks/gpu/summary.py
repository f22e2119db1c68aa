"""What a part has found so far, as a page: the table with its caption, and the speed of each training."""

import json
from pathlib import Path

from benchmarks.harness import machine, versions
from ftn_core.evaluation.records.baselines import Baselines
from ftn_core.evaluation.records.evaluation import Evaluation
from ftn_core.parameters import load_parameters
from ftn_core.utils.levels import level_name
from tasks import paths
from tasks.tracking.journal import journals

SUMMARY = Path("summary.md")


def write_summary() -> None:
    """Write the page of the part in the working directory anew."""
    params = load_parameters()
    base, level = params.train.steps, params.finetune.steps
    scores = Baselines.read(paths.BASELINES).scores if paths.BASELINES.exists() else {}
    for path in sorted(paths.METHOD_RESULTS.glob("*.json")):  # at the base's level they have the base's scores
        scores[path.stem] = scores.get("base", {}) | Evaluation.read(path).scores
    used = ", ".join(f"{name} {number}" for name, number in versions().items())
    lines = [
        f"{machine()}; {used}.",
        "",
        f"PSNR in dB on the test photographs. Every row has {base + level:,} steps in all: {base:,} of the base with "
        f"batches of {params.train.batch_size} and {level:,} a level with batches of {params.finetune.batch_size}; "
        f"lines and networks from scratch have {base + level:,}.",
        "",
        "| row | " + " | ".join(map(level_name, params.data.levels)) + " |",
        "|---" * (len(params.data.levels) + 1) + "|",
    ]
    for name, by_level in scores.items():
        cells = (f"{by_level[x].psnr:.2f}" if x in by_level else "–" for x in params.data.levels)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", "| training | images/s | waiting for batches |", "|---|---|---|"]
    lines += [
        f"| {name} | {found['speed/images_per_s']:.1f} | {found['speed/waiting_share']:.1%} |"
        for name, found in _speeds().items()
    ]
    SUMMARY.write_text("\n".join(lines) + "\n")


def _speeds() -> dict[str, dict[str, float]]:
    """The last speed that each training has recorded."""
    found: dict[str, dict[str, float]] = {}
    for path in journals():
        records = [json.loads(line) for line in path.read_text().splitlines() if line]
        for record in records:
            if "speed/images_per_s" in record.get("values", {}):
                found[records[0]["stage"]] = record["values"]
    return found
