"""How many steps a part's time allows: short trainings of each kind, then the same total for every row."""

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.gpu.graph import Stage, read_stages
from benchmarks.gpu.workspace import call, enter
from ftn_core.parameters.read_yaml import read_yaml
from ftn_core.utils.messages import say
from tasks.paths import PARAMS
from tasks.tracking.tracker import Tracker

PLAN = Path("steps.json")
"""What was measured and decided: a rerun keeps it."""
TRIAL = Path("trial")
PACES = Path("paces.json")
"""The trainings that were measured. Each may wait long for a compiler, so after a kill the trials go on."""
TRIAL_STEPS = (20, 100, 500, 2500)
"""The first of them whose second half takes ``ENOUGH`` seconds is the measurement: compiling falls into the first."""
ENOUGH = 0.5
SPARE = 0.1
"""Share of the time that is kept for what was not measured."""


@dataclass(frozen=True)
class Pace:
    """Seconds a step, and seconds of a training beside its steps."""

    step: float
    beside: float


class _Timed(Tracker):
    """Keeps the speed since the first validation."""

    speed = 0.0

    def metrics(self, values: dict[str, float], step: int = 0) -> None:
        self.speed = values.get("speed/images_per_s", self.speed)


def set_steps(stages: list[Stage], seconds_left: Callable[[], float]) -> list[Stage]:
    """Write the steps that fit into ``params.yaml``, once; returns the stages as they are then."""
    if not PLAN.exists():
        values = read_yaml(PARAMS.read_text(), str(PARAMS))
        base, level = values["train"]["steps"], values["finetune"]["steps"]
        share = base / (base + level)
        paces, scoring = _trials(stages, values)
        trainings = [stage for stage in stages if stage.trains]
        a_step = sum(_share(stage, share) * paces[_kind(stage)].step for stage in trainings)
        beside = sum(paces[_kind(stage)].beside for stage in trainings)
        beside += scoring * sum(stage.function.startswith("evaluate") for stage in stages)
        total = max(seconds_left() * (1 - SPARE) - beside, 0) / a_step
        fewest = 2 * values["train"]["validations"]
        steps = {"train": max(fewest, round(total * share)), "finetune": max(fewest, round(total * (1 - share)))}
        for section, number in steps.items():
            values[section]["steps"] = number
        PARAMS.write_text(yaml.safe_dump(values, sort_keys=False))
        measured = {kind: round(pace.step, 5) for kind, pace in paces.items()}
        PLAN.write_text(json.dumps({**steps, "seconds a step": measured}, indent=1) + "\n")
        shutil.rmtree(TRIAL)
        say(f"steps: {steps['train']} of the base and {steps['finetune']} a level; all other networks have both")
    return read_stages()


def _kind(stage: Stage) -> str:
    """Stages of one kind take equally long."""
    if stage.function.startswith("finetune"):
        return f"finetune {stage.values['method']}"
    return "train_line" if stage.function == "train_line" else "train_base"


def _share(stage: Stage, of_base: float) -> float:
    """The share of a row's total steps that a training has."""
    if stage.function.startswith("finetune"):
        return 1 - of_base
    return of_base if stage.function == "train_base" else 1.0


def _trials(stages: list[Stage], values: dict[str, Any]) -> tuple[dict[str, Pace], float]:
    """The pace of each kind of training, and the seconds that calibrating and scoring a row takes."""
    here = Path.cwd()
    values = {**values, "levels": {**values["levels"], "adapted": values["levels"]["adapted"][:1]}}
    TRIAL.mkdir(exist_ok=True)
    if not (TRIAL / "data").is_symlink():
        (TRIAL / "data").symlink_to("../data")
    shutil.copy(PARAMS, TRIAL)
    enter(TRIAL)
    try:
        paces = _read_paces()
        for stage in stages:
            if stage.trains and stage.function != "finetune_between" and _kind(stage) not in paces:
                paces[_kind(stage)] = _pace(stage, values)
                _write_paces(paces)
                say(f"trial of {stage.name}: {1000 * paces[_kind(stage)].step:.1f} ms a step")
        start = time.monotonic()
        # a row is scored when its trainings are done: of the first row's two stages
        for kind in ("calibrate", "evaluate") if values["levels"]["methods"] else ("calibrate_line", "evaluate_line"):
            stage = next(stage for stage in stages if stage.function == kind)
            call(stage, Tracker(stage.name, Path("state"), round))
        return paces, time.monotonic() - start
    finally:
        os.chdir(here)


def _read_paces() -> dict[str, Pace]:
    return {kind: Pace(**pace) for kind, pace in json.loads(PACES.read_text()).items()} if PACES.exists() else {}


def _write_paces(paces: dict[str, Pace]) -> None:
    partial = PACES.with_suffix(".partial")
    partial.write_text(json.dumps({kind: asdict(pace) for kind, pace in paces.items()}))
    partial.replace(PACES)


def _pace(stage: Stage, values: dict[str, Any]) -> Pace:
    tuned = stage.function == "finetune"
    batch = values["finetune" if tuned else "train"]["batch_size"]
    parts = 1 if tuned or stage.function == "train_base" else 2  # the sum of both sections
    for steps in TRIAL_STEPS:
        few = {
            **values,
            "train": {**values["train"], "steps": steps, "validations": 2},
            "finetune": {**values["finetune"], "steps": steps},
        }
        PARAMS.write_text(yaml.safe_dump(few, sort_keys=False))
        tracker = _Timed(stage.name, Path("state"), round)
        start = time.monotonic()
        call(stage, tracker)
        seconds, total = time.monotonic() - start, parts * steps
        pace = batch / tracker.speed
        if pace * total / 2 >= ENOUGH:
            break
    return Pace(pace, max(seconds - pace * total, 0))
