"""A pipeline that says which files each of its stages opened."""

import ast
import importlib.util
from pathlib import Path

import yaml
from forked_python import forked_python
from project import ROOT
from sandbox import Sandbox

from ftn_core.utils.neutral import COUNTS, NEUTRAL

SETTINGS = ("params.yaml", "dvc.yaml", "dvc.lock", ".dvc", ".dvcignore", ".git", ".gitignore", ".env")
"""The values and the graph, which DVC compares by itself."""
STATE = (".ftn", "mlflow.db", "mlartifacts")
"""What is kept from one run to the next: downloads, unfinished trainings, records for MLflow, MLflow's own store."""


class Audited:
    """A sandbox in which DVC runs the targets, or the whole pipeline, with an audit hook on ``open`` in every stage."""

    def __init__(self, folder: Path, *targets: str, **changes: object) -> None:
        self.sandbox = Sandbox(folder / "project", **changes)
        self._opened, bin_folder = folder / "opened", folder / "bin"
        for path in (self._opened, bin_folder):
            path.mkdir()
        python = bin_folder / "python"
        audit = ROOT / "tests/support/audit.py"
        python.write_text(f'#!/bin/sh\nexec "{forked_python()}" "{audit}" "{self._opened}" "$@"\n')
        python.chmod(0o755)
        path = f"{bin_folder}:/usr/bin:/bin"
        self.sandbox.untracked(*targets or ["report"], PATH=path)
        if not targets:
            self.sandbox.dvc("repro", PATH=path)  # `register` is tracked always
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
