"""Imports point one way: flows -> tasks -> registry -> ftn_core, serving -> registry, stack -> tasks, serving."""

import ast
from collections import defaultdict

import pytest
from project import ROOT, imports

MAY_IMPORT = {
    "ftn_core": set(),
    "registry": {"ftn_core"},
    "serving": {"registry", "ftn_core"},
    "tasks": {"registry", "ftn_core"},
    "flows": {"tasks", "registry", "ftn_core"},
    "stack": {"tasks", "serving", "registry", "ftn_core"},
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


KNOW_TASKS = ("ftn_core/degradations/", "ftn_core/losses/", "ftn_core/parameters/", "ftn_core/sources/pack_loss.py")
TASKS = {"sensor", "jpeg", "downscaling", "perceptual", "style", "dejpeg", "sr"}


@pytest.mark.parametrize("room", ROOMS)
def test_only_degradations_and_losses_know_what_the_task_is(room):
    for file in (file for file in files(room) if not file.startswith(KNOW_TASKS)):
        nodes = ast.walk(ast.parse((ROOT / file).read_text()))
        assert not TASKS & {node.value for node in nodes if isinstance(node, ast.Constant)}, file


def test_the_core_is_in_packages():
    assert len([file for file in files("ftn_core") if file.count("/") == 1]) <= 5


STAGE_FILES = [
    file for file in files("tasks") if file.count("/") == 1 and "def " + file[6:-3] in (ROOT / file).read_text()
]


@pytest.mark.parametrize("file", STAGE_FILES)
def test_a_stage_is_one_file_that_imports_at_its_top(file):
    tree = ast.parse((ROOT / file).read_text())
    inner = [
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.If)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not inner, "the runner imports a stage only when it runs it"


@pytest.mark.parametrize("file", [file for file in STAGE_FILES if not file[6:].startswith(("train_", "finetune"))])
def test_only_what_trains_imports_lightning(file):
    assert [path for path in imports(file) if "lightning_fabric" in packages(path)] == [], "it takes two seconds"


COMMON = {"main", "app", "T", "R"}
"""Names that mean the same wherever they stand: a command's entry, its Typer app, type variables."""


def test_a_name_means_one_thing():
    """A public name is defined at the top of one module, or of several in one folder that share an interface."""
    where = defaultdict(list)
    for file in (file for room in ROOMS for file in files(room)):
        for node in ast.parse((ROOT / file).read_text()).body:
            names = []
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                names = [node.name]
            elif isinstance(node, ast.Assign):
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names = [node.target.id]
            for name in names:
                if not name.startswith("_") and name not in COMMON:
                    where[name].append(file)
    folders = {name: {file.rpartition("/")[0] for file in found} for name, found in where.items()}
    assert {name: where[name] for name, found in folders.items() if len(found) > 1} == {}
