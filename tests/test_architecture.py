"""Imports point one way: flows -> tasks -> registry -> ftn_core, stack -> tasks."""

import ast

import pytest
from project import ROOT, imports

MAY_IMPORT = {
    "ftn_core": set(),
    "serving": {"ftn_core"},
    "tasks": {"serving/registry", "ftn_core"},
    "flows": {"tasks", "serving/registry", "ftn_core"},
    "stack": {"tasks", "serving/registry", "ftn_core"},
}
ROOMS = tuple(MAY_IMPORT)
ORCHESTRATION = {"prefect", "mlflow", "dvc"}


def files(room: str) -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("file", [file for room in ROOMS for file in files(room)])
def test_imports_point_one_way(file):
    room = file.split("/")[0]
    allowed = (f"{room}/", *(f"{name}/" for name in MAY_IMPORT[room]))
    rooms = {f"{name}/__init__.py" for name in ROOMS}  # importing a.b imports a
    assert [path for path in imports(file) if path not in rooms and not path.startswith(allowed)] == []


def packages(file: str) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("file", files("ftn_core"))
def test_the_core_knows_no_orchestration(file):
    assert not packages(file) & ORCHESTRATION


@pytest.mark.parametrize("file", files("tasks"))
def test_tasks_know_no_prefect(file):
    assert "prefect" not in packages(file)


KNOW_TASKS = (
    "ftn_core/degradations/",
    "ftn_core/objectives/",
    "ftn_core/parameters/__init__.py",
    "ftn_core/sources/pack_loss.py",
)
TASKS = {"jpeg", "downscaling", "perceptual", "style", "dejpeg", "sr"}


@pytest.mark.parametrize("room", ROOMS)
def test_only_degradations_and_objectives_know_what_the_task_is(room):
    for file in (file for file in files(room) if not file.startswith(KNOW_TASKS)):
        nodes = ast.walk(ast.parse((ROOT / file).read_text()))
        assert not TASKS & {node.value for node in nodes if isinstance(node, ast.Constant)}, file
