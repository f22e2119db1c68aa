"""``dvc.yaml`` read without DVC: its stages for the parameters of a part, and what each reads and writes."""

import hashlib
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from typing import Any

import yaml

from ftn_core.parameters.read_yaml import read_yaml
from tasks.paths import PARAMS

INPUTS = ("prepare", "loss", "method", "pretrained", "degraded")
"""Stages before all training. Their outputs are too large to travel, or made in no time: each machine makes its own."""
PRIORITY = (
    INPUTS,
    ("train_base",),
    ("finetune", "calibrate", "evaluate"),
    ("finetune_between", "calibrate_chain", "evaluate_chain"),
    ("train_line", "calibrate_line", "evaluate_line"),
    ("train_from_scratch", "train_noise_conditioned"),
    ("classical", "evaluate_baselines", "costs", "filters", "report"),
)
"""What matters first. Each group is done for one row after the other. ``register`` needs MLflow."""


@dataclass(frozen=True)
class Stage:
    """One stage, as DVC would run it.

    Args:
        name: under which DVC addresses it.
        function: its module and function in ``tasks``; of ``method`` alone there is none, and ``cmd`` is run.
        values: of its matrix.
        params: values of the parameters that it reads.
        deps: paths that it reads. outs: paths that it writes.
    """

    name: str
    function: str
    values: dict[str, Any]
    cmd: str
    params: dict[str, Any]
    deps: tuple[str, ...]
    outs: tuple[str, ...]

    @property
    def group(self) -> str:
        """Its name without the values of its matrix."""
        return self.name.partition("@")[0]

    @property
    def trains(self) -> bool:
        return self.function.startswith(("train_", "finetune"))


def read_stages() -> list[Stage]:
    """All stages but ``register`` for ``params.yaml`` of the working directory, in the order of ``PRIORITY``."""
    params = read_yaml(PARAMS.read_text(), str(PARAMS))
    written = yaml.safe_load(Path("dvc.yaml").read_text())["stages"]
    found = []
    for group in PRIORITY:
        of_group = [
            (row, stage) for function in group for row, stage in _instances(function, written[function], params)
        ]
        found += [stage for _, stage in sorted(of_group, key=lambda pair: pair[0])]
    return found


def _instances(function: str, written: dict[str, Any], params: dict[str, Any]) -> Iterator[tuple[int, Stage]]:
    """The stages of one name, each with the number of its row: of its first value in the matrix."""
    if "foreach" in written:
        rows = _fill(written["foreach"], params)
        for key, item in rows.items():
            yield 0, _stage("", {}, f"{function}@{key}", written["do"], {**params, "key": key, "item": item})
        return
    matrix = {axis: _fill(values, params) for axis, values in written.get("matrix", {}).items()}
    for chosen in itertools.product(*matrix.values()):
        values = dict(zip(matrix, chosen, strict=True))
        name = "@".join([function, *(["-".join(map(str, chosen))] if chosen else [])])
        row = next(iter(matrix.values())).index(chosen[0]) if chosen and function != "degraded" else 0
        yield row, _stage(function, values, name, written, {**params, "item": values})


def _stage(function: str, values: dict[str, Any], name: str, written: dict[str, Any], known: dict[str, Any]) -> Stage:
    def paths(*keys: str) -> tuple[str, ...]:
        listed = [entry for key in keys for entry in written.get(key, [])]
        return tuple(_fill(next(iter(e)) if isinstance(e, dict) else e, known) for e in listed)

    keys = [_fill(key, known) for key in written.get("params", [])]
    return Stage(
        name,
        function,
        values,
        _fill(written["cmd"], known),
        {key: _look_up(key, known) for key in keys},
        paths("deps"),
        paths("outs", "metrics", "plots"),
    )


def _look_up(key: str, known: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever the parameters hold
    return reduce(getitem, key.split("."), known)


def _fill(text: str, known: dict[str, Any]) -> Any:  # noqa: ANN401 - a list, where the text is one expression
    """A text with every ``${a.b}`` replaced; the value itself, if the text is nothing else."""
    if whole := re.fullmatch(r"\$\{([\w.-]+)\}", text):
        return _look_up(whole[1], known)
    return re.sub(r"\$\{([\w.-]+)\}", lambda match: str(_look_up(match[1], known)), text)


@cache
def content(path: str) -> str:
    """The hash of a file or a folder, equal to DVC's. Each is hashed once: stages come after what they read."""
    place = Path(path)
    if not place.is_dir():
        with place.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()
    files = sorted(
        (file.relative_to(place).as_posix(), str(file))
        for file in place.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".pyc"  # .dvcignore
    )
    listed = [{"md5": content(file), "relpath": name} for name, file in files]
    return hashlib.md5(json.dumps(listed, sort_keys=True).encode()).hexdigest() + ".dir"
