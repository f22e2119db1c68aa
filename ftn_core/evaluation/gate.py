"""The gate: the rules that a registered model must pass to become champion, and the verdict on a model."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import ConfigDict

from ftn_core.denoiser.denoiser import between
from ftn_core.evaluation.records.record import Record
from ftn_core.parameters.evaluation import Gate
from ftn_core.utils.levels import level_name

Decibels = Mapping[float, float]
"""By level, PSNR or another objective that the level was trained for, in dB (ftn_core/losses)."""


@dataclass(frozen=True)
class Measured:
    """What the gate knows of a model.

    Args:
        trained: the levels that it was trained for, the weakest first.
        ends: the levels at its dial's ends.
        degraded: of the degraded input, by level.
        score: of the model, by level, on the same images.
        evenness: of the dial (ftn_core/evaluation/smoothness.py).
        megabytes: size of its file.
        time: of one pass, relative to its base's.
    """

    trained: list[float]
    ends: tuple[float, float]
    degraded: Decibels
    score: Decibels
    evenness: float
    megabytes: float
    time: float


class Rule(Record):
    """One rule: the measured value and the bound on it."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    name: Literal["gain", "harm", "champion", "evenness", "size", "time"]
    value: float
    bound: float
    at_least: bool
    """Whether the bound is the smallest allowed value; otherwise it is the largest."""
    unit: str
    level: float | None = None
    """The level at which the value is worst; None if the value belongs to no level."""

    @property
    def passed(self) -> bool:
        """Whether the value keeps to the bound; NaN never does."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def words(self, quantity: str) -> str:
        """The rule in one line; ``quantity`` names what levels measure."""
        where = "" if self.level is None else f" at {quantity} {level_name(self.level)}"
        bound = f"at {'least' if self.at_least else 'most'} {self.bound:g}"
        return f"{MEANING[self.name]} {self.value:.2f}{self.unit}{where}, {bound} is allowed"


MEANING = {
    "gain": "gain over the degraded input",
    "harm": "loss against the degraded input",
    "champion": "gain over the champion",
    "evenness": "evenness of the dial",
    "size": "size of the file",
    "time": "time of a pass beside the base's",
}


class Verdict(Record):
    """The outcome of every rule for one version, and the scores behind it."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    version: str
    champion: str | None
    """The version that it was compared with; None if only the other rules decided."""
    note: str
    """Why there was no comparison with a champion; empty if there was one."""
    images: int
    quantity: str
    """Name of what levels measure."""
    rules: list[Rule]
    scores: dict[str, dict[float, float]]
    """dB by row (degraded input, champion, the version) and level: the scores that the rules used."""

    @property
    def passed(self) -> bool:
        """Whether every rule is passed."""
        return all(rule.passed for rule in self.rules)

    @property
    def word(self) -> str:
        """The outcome in tags and tables."""
        return "passed" if self.passed else "failed"

    def failures(self) -> list[str]:
        """The failed rules, one line each."""
        return [rule.words(self.quantity) for rule in self.rules if not rule.passed]

    def markdown(self) -> str:
        """Markdown for people: the rules, then the scores behind them."""
        levels = list(next(iter(self.scores.values())))
        lines = [
            f"**Version {self.version} {self.word} the gate.**" + (f" {self.note}" if self.note else ""),
            "",
            f"| rule | value | bound | at {self.quantity} | |",
            "|---|---|---|---|---|",
            *(
                f"| {MEANING[rule.name]} | {rule.value:.2f}{rule.unit} | {'≥' if rule.at_least else '≤'} "
                f"{rule.bound:g}{rule.unit} | {'' if rule.level is None else level_name(rule.level)} | "
                f"{'passed' if rule.passed else '**failed**'} |"
                for rule in self.rules
            ),
            "",
            f"In dB, on {self.images} test image{'s' if self.images > 1 else ''}:",
            "",
            f"| {self.quantity} | " + " | ".join(level_name(level) for level in levels) + " |",
            "|---" * (len(levels) + 1) + "|",
            *(
                f"| {name} | " + " | ".join(f"{row[level]:.2f}" for level in levels) + " |"
                for name, row in self.scores.items()
            ),
        ]
        return "\n".join(lines) + "\n"


def judge(
    bounds: Gate,
    version: str,
    model: Measured,
    images: int,
    quantity: str,
    champion: tuple[str, Decibels] | None = None,
    note: str = "",
) -> Verdict:
    """Check a model against the rules.

    Args:
        version: of the model.
        images: how many images ``model`` and ``champion`` were scored on.
        quantity: name of what levels measure.
        champion: its version and its dB at the same levels on the same images; None: there is no comparison.
        note: why there is no comparison.
    """
    own = [level for level in model.score if between(level, model.trained[0], model.trained[-1])]
    gain, at = _least((model.score[level] - model.degraded[level], level) for level in own)
    rules = [Rule(name="gain", value=gain, bound=bounds.min_gain, at_least=True, unit=" dB", level=at)]
    along = [level for level in model.score if between(level, *model.ends)]
    gain, at = _least((model.score[level] - model.degraded[level], level) for level in along)
    rules.append(Rule(name="harm", value=-gain, bound=bounds.max_harm, at_least=False, unit=" dB", level=at))
    scores = {"degraded input": dict(model.degraded)}
    if champion:
        name, theirs = champion
        difference, at = _least((model.score[level] - theirs[level], level) for level in model.score)
        bound = -bounds.tolerance
        rules.append(Rule(name="champion", value=difference, bound=bound, at_least=True, unit=" dB", level=at))
        scores[f"version {name}, champion"] = dict(theirs)
    scores[f"version {version}"] = dict(model.score)
    rules += [
        Rule(name="evenness", value=model.evenness, bound=bounds.min_evenness, at_least=True, unit=""),
        Rule(name="size", value=model.megabytes, bound=bounds.max_megabytes, at_least=False, unit=" MB"),
        Rule(name="time", value=model.time, bound=bounds.max_time, at_least=False, unit="×"),
    ]
    return Verdict(
        version=version,
        champion=champion and champion[0],
        note=note,
        images=images,
        quantity=quantity,
        rules=rules,
        scores=scores,
    )


def _least(values: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """The pair with the smallest value; NaN counts as smallest."""
    return min(values, key=lambda pair: -math.inf if math.isnan(pair[0]) else pair[0])
