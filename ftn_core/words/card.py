"""The model card: what a version is, made of what, how good, within which limits, and how to use and make it again."""

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

LONGEST = 5000
"""Characters that MLflow takes as a description."""
SOURCES = 30
"""Of photographs, that are listed."""


@dataclass(frozen=True)
class CardContent:
    """What a card is made of.

    ``manifest`` is that of the photographs (ftn_core/sources/pack.py), ``table`` the evaluation's in Markdown,
    ``psnr`` the dB by level of this model, on all test images.
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


def description(facts: CardContent, verdict: Verdict) -> str:
    """The card's beginning, short enough for MLflow's registry."""
    sections = [_what(facts), _gate_line(verdict), _psnr(facts), _use(facts), _limits(facts), _reproduce(facts)]
    return "\n\n".join(sections)[:LONGEST]


def card(facts: CardContent, verdict: Verdict) -> str:
    """All of it, in Markdown."""
    sections = {
        f"{facts.model}, version {facts.version}": _what(facts),
        "Use": _use(facts),
        "Data and terms": _data(facts.manifest),
        "Results": f"{_psnr(facts)}\n\nBeside the other methods of the same run:\n\n{facts.table.strip()}",
        "Gate": verdict.markdown().strip(),
        "Limits": _limits(facts),
        "Make it again": _reproduce(facts),
    }
    return "".join(f"{'##' if i else '#'} {head}\n\n{text}\n\n" for i, (head, text) in enumerate(sections.items()))


def _what(facts: CardContent) -> str:
    task, spec, levels = facts.denoiser.task, facts.denoiser.spec, facts.denoiser.trained
    quantity, (first, last) = task.quantity, task.objectives
    done = describe(Degradation.of(task.degradation))
    does = f"Restores colour photographs after {done}" if done else "For colour photographs"
    objectives = first if first == last else f"{first} at the base, {last} at the adapted levels"
    return (
        f"{does}; the strength is a dial, of {quantity}. A `{spec['name']}` of {spec['channels']} channels and depth "
        f"{spec['depth']}, trained at {phrase(quantity, levels[0])} and adapted by `{facts.method}` to "
        f"{', '.join(phrase(quantity, level) for level in levels[1:])}. Objective: {objectives}. "
        f"{facts.parameters:,} parameters at one place of the dial, a file of {facts.megabytes:.2f} MB."
    )


def _use(facts: CardContent) -> str:
    denoiser = facts.denoiser
    return (
        "```python\nimport mlflow\n\n"
        f'model = mlflow.pyfunc.load_model("models:/{facts.model}/{facts.version}")\n'
        f'restored = model.predict(images, params={{"{denoiser.task.quantity.name}": {level_name(denoiser.base_level)}}})'
        "  # N x H x W x 3, float32 in [0, 1]\n```"
    )


def _data(manifest: Mapping[str, Any]) -> str:
    images = manifest["images"]
    splits = Counter(image["split"] for image in images)
    sources = Counter((image["source"], image["terms"]) for image in images)
    counts = ", ".join(f"{splits[split]} to {use}" for split, use in _USES.items())
    lines = [f"{len(images)} photographs: {counts}; {len(manifest['skipped'])} more could not be used.", ""]
    lines += [f"- {count} × {source}: {terms}" for (source, terms), count in sources.most_common(SOURCES)]
    if len(sources) > SOURCES:
        lines.append(f"- and {len(sources) - SOURCES} more sources: data/photographs/manifest.json names them")
    return "\n".join(lines)


_USES = {"train": "train on", "val": "validate and calibrate on", "test": "test on"}


def _psnr(facts: CardContent) -> str:
    quantity = facts.denoiser.task.quantity
    return "\n".join(
        [
            f"| {heading(quantity)} | " + " | ".join(label(quantity, level) for level in facts.psnr) + " |",
            "|---" * (len(facts.psnr) + 1) + "|",
            "| PSNR in dB | " + " | ".join(f"{value:.2f}" for value in facts.psnr.values()) + " |",
        ]
    )


def _gate_line(verdict: Verdict) -> str:
    reasons = "".join(f"\n- {reason}" for reason in verdict.failures())
    return f"{verdict.word.capitalize()} the gate.{reasons}" + (f" {verdict.note}" if verdict.note else "")


def _limits(facts: CardContent) -> str:
    task, splits = facts.denoiser.task, Counter(image["split"] for image in facts.manifest["images"])
    first, last = (phrase(task.quantity, level) for level in facts.denoiser.ends)
    lines = [
        f"Beyond {first} and {last} it restores as at that level.",
        *(f"It knows {step.limits}." for step in Degradation.of(task.degradation).steps),
        "Whatever else was done to a photograph, nothing here says how it does on that.",
        f"It has learnt from {splits['train']} photographs and was measured on {splits['test']}: on other kinds of "
        "images the numbers differ.",
        "Like every such network it can invent or wipe out fine texture: it is no evidence in medicine or forensics.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _reproduce(facts: CardContent) -> str:
    return (
        f"Commit `{facts.commit}`, the photographs above, and `make repro`. `ftn models lineage {facts.version} "
        f"--name {facts.model}` says whether a clone would make it again, and what differs."
    )
