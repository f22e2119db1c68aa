"""A stage opens no file of the project that dvc.yaml does not declare for it.

The small pipeline runs with an audit hook on ``open`` in every stage. What dvc.yaml declares is read from ``dvc.lock``.
"""

import ast
import importlib.util
import sys
from pathlib import Path

import pytest
import yaml
from project import ROOT
from sandbox import Sandbox

from ftn_core.utils.neutral import COUNTS, NEUTRAL

STAGES = [
    name
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items()
    if "python -m tasks" in stage.get("cmd", "")
]
SETTINGS = ("params.yaml", "dvc.yaml", "dvc.lock", ".dvc", ".dvcignore", ".git", ".gitignore", ".env")
"""The values and the graph, which DVC compares by itself."""
STATE = (".ftn", "mlflow.db", "mlartifacts")
"""What is kept from one run to the next: downloads, unfinished trainings, records for MLflow, MLflow's own store."""
STYLE = {
    "name": "style", "size": 64, "content": 1.0, "content_layer": "relu2_2", "style": 1.0, "style_layers": ["relu1_2"],
    "total_variation": 0.0,
}  # fmt: skip


class Audited:
    """A sandbox in which DVC runs stages with the hook."""

    def __init__(self, folder: Path, *targets: str, **changes: object) -> None:
        self.sandbox = Sandbox(folder / "project", **changes)
        self._opened, bin_folder = folder / "opened", folder / "bin"
        for path in (self._opened, bin_folder):
            path.mkdir()
        python = bin_folder / "python"
        audit = ROOT / "tests/support/audit.py"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{audit}" "{self._opened}" "$@"\n')
        python.chmod(0o755)
        self.sandbox.python("-m", "dvc", "repro", *targets, PATH=f"{bin_folder}:/usr/bin:/bin")
        self._lock = yaml.safe_load((self.sandbox.root / "dvc.lock").read_text())["stages"]

    def names(self, stage: str) -> list[str]:
        """What DVC calls the stage, with each of its matrix's values."""
        return [name for name in self._lock if name.partition("@")[0] == stage]

    def opened(self, name: str) -> set[str]:
        """Files of the project that the stage opened, relative to its root; of bytecode the source."""
        found = set()
        for line in (self._opened / name).read_text().splitlines():
            path = Path(importlib.util.source_from_cache(line) if line.endswith(".pyc") else line)
            if path.is_relative_to(self.sandbox.root):
                found.add(path.relative_to(self.sandbox.root).as_posix())
        return found

    def undeclared(self, name: str, but: str = "") -> set[str]:
        """Files that the stage opened and that are not declared; ``but``: as if that dependency were not declared."""
        entry = self._lock[name]
        declared = {item["path"] for kind in ("deps", "outs") for item in entry[kind]} - {but}
        # the file of a row's method is declared as a copy, which the stages `method` make
        for copy in (self._lock[name] for name in self.names("method")):
            if within(copy["outs"][0]["path"], declared):
                declared.add(copy["deps"][0]["path"])
        neutral = {path.rstrip("/") for path in NEUTRAL}
        counts = {path.rstrip("/") for path in COUNTS}
        return {
            path
            for path in self.opened(name)
            if not within(path, declared)
            and not within(path, {*SETTINGS, *STATE})
            and Path(path).name not in (".gitignore", ".dvcignore")
            and not (within(path, neutral) and not within(path, counts))
            and not only_a_docstring(self.sandbox.root / path)
        }


def within(path: str, places: set[str]) -> bool:
    return not places.isdisjoint([path, *map(str, Path(path).parents)])


def only_a_docstring(path: Path) -> bool:
    return path.name == "__init__.py" and all(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in ast.parse(path.read_text()).body
    )


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """Every kind of stage at least once."""
    changes = {
        "levels.between": [0.3],
        "levels.chains": ["ftn"],
        "levels.from_scratch": [0.5],
        "levels.noise_conditioned": [0.5],
        "levels.lines": [0.5],
    }
    return Audited(tmp_path_factory.mktemp("opens"), **changes)


@pytest.fixture(scope="module")
def style(tmp_path_factory):
    """Only the stage ``loss``, for the loss that reads most: a style image, and features."""
    changes = {
        "degradation": [],
        "data.levels": [0, 1],
        "levels.base": 0,
        "levels.adapted": [1],
        "network.name": "transform_net",
        "train.loss": STYLE | {"image": "mosaic.jpg"},
        "finetune.loss": STYLE | {"image": "strokes.jpg"},
    }
    return Audited(tmp_path_factory.mktemp("style"), "loss", **changes)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_opens_only_what_it_declares(pipeline, stage):
    names = pipeline.names(stage)
    assert names
    for name in names:
        opened = pipeline.opened(name)
        assert f"tasks/{stage}.py" in opened and "params.yaml" in opened
        assert pipeline.undeclared(name) == set(), name


@pytest.mark.parametrize(
    ("name", "dependency", "file"),
    [
        ("train_base", "data/loss/base.safetensors", "data/loss/base.safetensors"),  # opened by safetensors
        ("evaluate@ftn", "data/photographs/test", "data/photographs/test/pixels.bin"),  # mapped into memory
        ("evaluate@ftn", "ftn_core/networks/unshuffle_net.py", "ftn_core/networks/unshuffle_net.py"),  # by its name
        ("report", "results/filters.npz", "results/filters.npz"),
        ("calibrate@ftn", "data/methods/ftn.py", "ftn_core/transitions/ftn.py"),
    ],
)
def test_a_dependency_that_were_not_declared_would_be_found(pipeline, name, dependency, file):
    assert file in pipeline.undeclared(name, but=dependency)


def test_the_stage_loss_declares_the_style_images_that_it_opens(style):
    assert style.undeclared("loss") == set()
    assert style.undeclared("loss", but="styles") == {"styles/mosaic.jpg", "styles/strokes.jpg"}
