"""The gate: the rules by which a registered model becomes champion, and the verdict on one."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import ConfigDict

from ftn_core.parameters import Gate
from ftn_core.results import Record

Psnr = Mapping[float, float]
"""dB by sigma."""


@dataclass(frozen=True)
class Measured:
    """What the gate knows of a model.

    ``noisy`` and ``psnr`` are over the same images, by sigma; ``levels`` are the sigmas that it was trained for,
    ``evenness`` that of the dial (ftn_core/smoothness.py), ``time`` a pass of it beside one of its base.
    """

    levels: list[float]
    noisy: Psnr
    psnr: Psnr
    evenness: float
    megabytes: float
    time: float


class Rule(Record):
    """One rule, with the value that decided it and the bound that it was held against."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    name: Literal["gain", "champion", "evenness", "size", "time"]
    value: float
    bound: float
    at_least: bool
    """Whether the bound is the least that is allowed, or the most."""
    unit: str
    sigma: float | None = None
    """Where the value was found, which is where it is worst."""

    @property
    def passed(self) -> bool:
        """A value that is no number passes nothing."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        where = "" if self.sigma is None else f" at sigma {self.sigma}"
        bound = f"at {'least' if self.at_least else 'most'} {self.bound:g}"
        return f"{MEANING[self.name]} {self.value:.2f}{self.unit}{where}, {bound} is allowed"


MEANING = {
    "gain": "PSNR above the noisy input",
    "champion": "PSNR above the champion",
    "evenness": "evenness of the dial",
    "size": "size of the file",
    "time": "time of a pass beside the base's",
}


class Verdict(Record):
    """Every rule's outcome for one version, and what was compared with what."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    version: str
    champion: str | None
    """The version that it was compared with; None: by the other rules alone."""
    note: str
    """Why there was no champion to compare with, or nothing."""
    images: int
    rules: list[Rule]
    psnr: dict[str, dict[float, float]]
    """dB by row (noisy input, champion, the version), by sigma: what the rules were decided on."""

    @property
    def passed(self) -> bool:
        """Whether every rule is kept."""
        return all(rule.passed for rule in self.rules)

    @property
    def word(self) -> str:
        """As tags and tables have it."""
        return "passed" if self.passed else "failed"

    def failures(self) -> list[str]:
        """In words, the rules that are not kept."""
        return [str(rule) for rule in self.rules if not rule.passed]

    def markdown(self) -> str:
        """For people: the rules, then the numbers behind them."""
        sigmas = sorted(next(iter(self.psnr.values())))
        lines = [
            f"**Version {self.version} {self.word} the gate.**" + (f" {self.note}" if self.note else ""),
            "",
            "| rule | value | bound | at sigma | |",
            "|---|---|---|---|---|",
            *(
                f"| {MEANING[rule.name]} | {rule.value:.2f}{rule.unit} | {'≥' if rule.at_least else '≤'} "
                f"{rule.bound:g}{rule.unit} | {'' if rule.sigma is None else rule.sigma} | "
                f"{'passed' if rule.passed else '**failed**'} |"
                for rule in self.rules
            ),
            "",
            f"PSNR in dB on {self.images} test image{'s' if self.images > 1 else ''}:",
            "",
            "| sigma | " + " | ".join(str(sigma) for sigma in sigmas) + " |",
            "|---" * (len(sigmas) + 1) + "|",
            *(
                f"| {name} | " + " | ".join(f"{row[sigma]:.2f}" for sigma in sigmas) + " |"
                for name, row in self.psnr.items()
            ),
        ]
        return "\n".join(lines) + "\n"


def judge(
    bounds: Gate,
    version: str,
    model: Measured,
    images: int,
    champion: tuple[str, Psnr] | None = None,
    note: str = "",
) -> Verdict:
    """Hold a model against the rules.

    Args:
        images: on how many ``model`` and ``champion`` were scored.
        champion: its version and its dB at the same sigmas on the same images; None: there is nothing to compare with.
        note: why not.
    """
    own = [sigma for sigma in model.psnr if model.levels[0] <= sigma <= model.levels[-1]]
    gain, at = _least((model.psnr[sigma] - model.noisy[sigma], sigma) for sigma in own)
    rules = [Rule(name="gain", value=gain, bound=bounds.min_gain, at_least=True, unit=" dB", sigma=at)]
    psnr = {"noisy input": dict(model.noisy)}
    if champion:
        name, theirs = champion
        difference, at = _least((model.psnr[sigma] - theirs[sigma], sigma) for sigma in model.psnr)
        bound = -bounds.tolerance
        rules.append(Rule(name="champion", value=difference, bound=bound, at_least=True, unit=" dB", sigma=at))
        psnr[f"version {name}, champion"] = dict(theirs)
    psnr[f"version {version}"] = dict(model.psnr)
    rules += [
        Rule(name="evenness", value=model.evenness, bound=bounds.min_evenness, at_least=True, unit=""),
        Rule(name="size", value=model.megabytes, bound=bounds.max_megabytes, at_least=False, unit=" MB"),
        Rule(name="time", value=model.time, bound=bounds.max_time, at_least=False, unit="×"),
    ]
    return Verdict(version=version, champion=champion and champion[0], note=note, images=images, rules=rules, psnr=psnr)


def _least(values: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """The least, for which what is no number counts."""
    return min(values, key=lambda pair: -math.inf if math.isnan(pair[0]) else pair[0])
