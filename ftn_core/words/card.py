"""The model card: purpose, use, data, results, gate, limits, and how to reproduce a registered version."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ftn_core.degradations.degradation import Degradation
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.evaluation.gate import Verdict
from ftn_core.utils.levels import level_name
from ftn_core.words.description import describe
from ftn_core.words.labels import heading, label, phrase

MAX_DESCRIPTION = 5000
"""Characters that MLflow accepts as a description."""
MAX_SOURCES = 30
"""How many sources of photographs are listed."""


@dataclass(frozen=True)
class CardContent:
    """What a card is made of.

    Args:
        parameters: of the network at one position of the dial.
        megabytes: of the denoiser's file.
        manifest: of the photographs (ftn_core/sources/pack.py).
        table: the evaluation's, in Markdown.
        psnr: of this model in dB by level, on all test images.
        line: whether base and direction were trained together.
        machine: on which it was trained, if that is another than the one that registers it.
    """

    model: str
    version: str
    method: str
    denoiser: ContinuousDenoiser
    parameters: int
    megabytes: float
    commit: str
    manifest: Mapping[str, Any]
    table: str
    psnr: Mapping[float, float]
    line: bool
    machine: str | None = None


def description(content: CardContent, verdict: Verdict) -> str:
    """The card in short, for MLflow's registry."""
    sections = {
        "Gate": _gate_line(verdict),
        "Results": _psnr(content),
        "Use": _use(content),
        "Limits": _limits(content),
        "Make it again": _reproduce(content),
    }
    return "\n\n".join([_what(content), *(f"## {h}\n\n{text}" for h, text in sections.items())])[:MAX_DESCRIPTION]


def card(content: CardContent, verdict: Verdict) -> str:
    """The whole card, in Markdown."""
    sections = {
        f"{content.model}, version {content.version}": _what(content),
        "Use": _use(content),
        "Data and terms": _data(content.manifest),
        "Results": f"{_psnr(content)}\n\nBeside the other methods of the same run:\n\n{content.table.strip()}",
        "Gate": verdict.markdown().strip(),
        "Limits": _limits(content),
        "Make it again": _reproduce(content),
    }
    return "".join(f"{'##' if i else '#'} {head}\n\n{text}\n\n" for i, (head, text) in enumerate(sections.items()))


def _what(content: CardContent) -> str:
    denoiser = content.denoiser
    task, spec = denoiser.task, denoiser.spec
    quantity, (first, last) = task.quantity, task.objectives
    done = describe(Degradation.of(task.degradation))
    does = f"Restores colour photographs after {done}" if done else "For colour photographs"
    base = phrase(quantity, denoiser.base_level)
    adapted = ", ".join(phrase(quantity, level.value) for level in denoiser.levels)
    if content.line:
        trained = f"trained as `{content.method}` at all levels from {base} to {adapted}"
    else:
        trained = f"trained at {base} and adapted by `{content.method}` to {adapted}"
    objectives = first if first == last else f"{first} at the base, {last} at the adapted levels"
    return (
        f"{does}; the strength is a dial, of {quantity}. A `{spec['name']}` of {spec['channels']} channels and depth "
        f"{spec['depth']}, {trained}. Objective: {objectives}. "
        f"{content.parameters:,} parameters at one place of the dial, a file of {content.megabytes:.2f} MB."
    )


def _use(content: CardContent) -> str:
    quantity, level = content.denoiser.task.quantity, content.denoiser.base_level
    return (
        "```python\nimport mlflow\n\n"
        f'model = mlflow.pyfunc.load_model("models:/{content.model}/{content.version}")\n'
        f'restored = model.predict(images, params={{"{quantity.name}": {level_name(level)}}})'
        "  # N x H x W x 3, float32 in [0, 1]\n```"
    )


def _data(manifest: Mapping[str, Any]) -> str:
    images = manifest["images"]
    splits = Counter(image["split"] for image in images)
    sources = Counter((image["source"], image["terms"]) for image in images)
    counts = ", ".join(f"{splits[split]} to {use}" for split, use in _USES.items())
    lines = [f"{len(images)} photographs: {counts}; {len(manifest['skipped'])} more could not be used.", ""]
    lines += [f"- {count} × {source}: {terms}" for (source, terms), count in sources.most_common(MAX_SOURCES)]
    if len(sources) > MAX_SOURCES:
        lines.append(f"- and {len(sources) - MAX_SOURCES} more sources: data/photographs/manifest.json names them")
    return "\n".join(lines)


_USES = {"train": "train on", "val": "validate and calibrate on", "test": "test on"}


def _psnr(content: CardContent) -> str:
    quantity = content.denoiser.task.quantity
    return "\n".join(
        [
            f"| {heading(quantity)} | " + " | ".join(label(quantity, level) for level in content.psnr) + " |",
            "|---" * (len(content.psnr) + 1) + "|",
            "| PSNR in dB | " + " | ".join(f"{value:.2f}" for value in content.psnr.values()) + " |",
        ]
    )


def _gate_line(verdict: Verdict) -> str:
    reasons = "".join(f"\n- {reason}" for reason in verdict.failures())
    return f"{verdict.word.capitalize()} the gate.{reasons}" + (f" {verdict.note}" if verdict.note else "")


def _limits(content: CardContent) -> str:
    task, splits = content.denoiser.task, Counter(image["split"] for image in content.manifest["images"])
    first, last = (phrase(task.quantity, level) for level in content.denoiser.ends)
    ends = f"{first} and {last}" if content.denoiser.nothing is None else last
    lines = [
        *([] if content.denoiser.nothing is None else [f"At {first} a picture stays as it is."]),
        f"Beyond {ends} it restores as at that level.",
        *(f"It knows {step.limits}." for step in Degradation.of(task.degradation).steps),
        "Whatever else was done to a photograph, nothing here says how it does on that.",
        f"It has learnt from {splits['train']} photographs and was measured on {splits['test']}: on other kinds of "
        "images the numbers differ.",
        "Like every such network it can invent or wipe out fine texture: it is no evidence in medicine or forensics.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _reproduce(content: CardContent) -> str:
    elsewhere = f"Trained on {content.machine}; on another kind of machine the last bits differ. "
    return (elsewhere if content.machine else "") + (
        f"Commit `{content.commit}`, the photographs above, and `make repro`. `ftn models lineage {content.version} "
        f"--name {content.model}` says whether a clone would make it again, and what differs."
    )
