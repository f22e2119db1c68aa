"""dvc.yaml declares what each stage reads: the code that can change its bytes, and the parameters that it uses."""

import ast
import subprocess
import sys

import pytest
import yaml
from project import ROOT, closure

from ftn_core.utils.neutral import COUNTS, NEUTRAL, counting
from registry.packaging import MODEL_FILE

TEXT = (ROOT / "dvc.yaml").read_text()
ALL = yaml.safe_load(TEXT)["stages"]
STAGES = {name: stage for name, stage in ALL.items() if "foreach" not in stage}
CODE = ("ftn_core/", "tasks/", "registry/")
ONE_FILE_EACH = ("ftn_core/networks/", "ftn_core/released/", "ftn_core/transitions/", "tasks/")
"""Folders of which a stage depends on one file, whose name a parameter gives; all others are declared whole."""
ALL_ROWS = ("costs", "filters", "pretrained", "register")
"""Stages that read the models of all rows, or of any of them, or a model of any method."""
LINES = ("pretrained", "train_line", "calibrate_line", "evaluate_line", "costs", "register")
"""Stages that read lines, whose far ends are levels of DNI."""
LINE = "ftn_core/transitions/dni.py"


def declared(stage):
    return {dep for dep in STAGES[stage]["deps"] if dep.startswith((*CODE, "data/methods"))}


def as_declared(file):
    """The folder, or the single file, that stands for a file in dvc.yaml."""
    return file if file.startswith(ONE_FILE_EACH) else "/".join(file.split("/")[:2])


def expected(stage):
    packed = [MODEL_FILE] if stage == "register" else []
    files = counting(closure(f"tasks/{stage}.py", *packed))
    found = {as_declared(file) for file in files}
    if "ftn_core/runtime/network_file.py" in files:  # it imports a network by its name
        found.add("ftn_core/networks/${network.name}.py")
    if "ftn_core/released/ffdnet.py" in files:
        found.add("ftn_core/networks/ffdnet.py")
    if "ftn_core/denoiser/transition.py" in files:  # it imports a method by its name
        if stage in LINES:
            found.add(LINE)
        if stage not in LINES or stage in ALL_ROWS:
            found.add("data/methods" if stage in ALL_ROWS else "data/methods/${item.method}.py")
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_the_declared_code_is_what_is_imported_less_what_never_counts(stage):
    assert declared(stage) == expected(stage)


def test_what_never_counts_imports_no_science():
    neutral = [
        path.relative_to(ROOT).as_posix()
        for entry in NEUTRAL
        for path in ([ROOT / entry] if entry.endswith(".py") else sorted((ROOT / entry).rglob("*.py")))
    ]
    neutral = [file for file in neutral if not file.startswith(COUNTS)]
    assert len(neutral) > 40
    for file in neutral:
        assert counting(closure(file)) == [], file


def test_every_entry_of_what_never_counts_exists_and_has_a_reason():
    for entry, reason in NEUTRAL.items():
        assert (ROOT / entry).exists() and len(reason) > 10


def test_the_graph_is_short_and_says_what_each_stage_does():
    assert len(TEXT.splitlines()) <= 330
    for name, stage in ALL.items():
        assert stage.get("do", stage)["desc"], name


def read_parameters(stage):
    """Keys that a stage reads, ``a.b`` for ``params.a.b``; a section that is read whole covers its keys."""
    keys = set()
    for file in (
        f for f in closure(f"tasks/{stage}.py") if f.startswith("tasks/") and not f.startswith(tuple(NEUTRAL))
    ):
        nodes = list(ast.walk(ast.parse((ROOT / file).read_text())))
        inner = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
        chains = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute) and id(node) not in inner}
        keys |= {c.removeprefix("params.").replace("register_", "register") for c in chains if c.startswith("params.")}
    if "levels.rows" in keys:
        keys = keys - {"levels.rows"} | {"levels.methods", "levels.chains", "levels.lines"}
    return {key for key in keys if not any(key.startswith(f"{other}.") for other in keys)}


@pytest.mark.parametrize("stage", STAGES)
def test_the_declared_parameters_are_those_that_are_read(stage):
    assert {key.removesuffix(".${item.method}") for key in STAGES[stage]["params"]} == read_parameters(stage)


@pytest.mark.parametrize("stage", STAGES)
def test_parameters_reach_the_core_only_as_declared(stage):
    """No function of the core gets ``params`` whole: which keys it reads would not be seen."""
    tree = ast.parse((ROOT / f"tasks/{stage}.py").read_text())
    ours = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tasks.")
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) not in ours:
            passed = [*node.args, *(keyword.value for keyword in node.keywords)]
            whole = [ast.unparse(arg) for arg in passed if isinstance(arg, ast.Name) and arg.id == "params"]
            assert not whole, ast.unparse(node)


def test_every_stage_is_a_command():
    text = subprocess.run(
        [sys.executable, "-m", "tasks", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for stage in STAGES:
        assert f"    {stage} " in f"{text} ".replace("\n", " \n")
        assert STAGES[stage]["cmd"].split()[:4] == ["python", "-m", "tasks", stage]
        assert (ROOT / f"tasks/{stage}.py").exists()
