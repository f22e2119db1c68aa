"""Every stage declares exactly what it reads: the code it imports, the parameters it uses."""

import ast
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from project import ROOT, closure

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
TASK = {name: stage["cmd"].split()[2].removeprefix("tasks.") for name, stage in STAGES.items()}
"""By stage the task that it runs: a chain's stages run those of its method."""


def declared_code(stage: str) -> set[str]:
    files: set[str] = set()
    for dep in STAGES[stage]["deps"]:
        path = ROOT / dep
        if dep.startswith(("data/", "models", "results/", "${")):
            continue
        files |= {p.relative_to(ROOT).as_posix() for p in path.rglob("*.py")} if path.is_dir() else {dep}
    return files


def read_parameters(file: str) -> set[str]:
    """Keys that a task reads, ``a.b`` for ``params.a.b``; a section that is read whole covers its keys."""
    nodes = list(ast.walk(ast.parse((ROOT / file).read_text())))
    inner = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    chains = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute) and id(node) not in inner}
    keys = {c.removeprefix("params.").replace("register_", "register") for c in chains if c.startswith("params.")}
    return {key for key in keys if not any(key.startswith(f"{other}.") for other in keys)}


@pytest.mark.parametrize("stage", STAGES)
def test_the_declared_code_is_the_code_that_is_imported(stage):
    expected = closure(f"tasks/{TASK[stage]}.py")
    if stage == "register":  # what it packs, it reads
        core = {p.relative_to(ROOT).as_posix() for p in (ROOT / "ftn_core").rglob("*.py")}
        expected |= core | closure("registry/model/denoiser_model.py") - {"serving/__init__.py"}
    assert declared_code(stage) == expected


@pytest.mark.parametrize("stage", STAGES)
def test_the_declared_parameters_are_those_that_are_read(stage):
    declared = {key.removesuffix(".${item.method}") for key in STAGES[stage]["params"]}
    assert declared == read_parameters(f"tasks/{TASK[stage]}.py")


@pytest.mark.parametrize("stage", STAGES)
def test_parameters_reach_the_core_only_as_declared(stage):
    """Nobody is handed ``params`` whole: its keys would be read unseen."""
    for node in ast.walk(ast.parse((ROOT / f"tasks/{TASK[stage]}.py").read_text())):
        if isinstance(node, ast.Call):
            passed = [*node.args, *(keyword.value for keyword in node.keywords)]
            whole = [ast.unparse(arg) for arg in passed if isinstance(arg, ast.Name) and arg.id == "params"]
            assert not whole, ast.unparse(node)


def test_editing_the_evaluation_reruns_no_training():
    for stage in ("prepare", "degraded", "train_base", "train_reference", "train_level_input", "finetune"):
        assert not {
            "ftn_core/evaluation/scoring.py",
            "ftn_core/evaluation/results.py",
            "tasks/evaluate.py",
        } & declared_code(stage)


def test_a_better_figure_needs_no_new_measurement_and_a_new_method_no_new_base():
    for stage in STAGES:
        files = declared_code(stage)
        assert any(file.startswith("ftn_core/report/") for file in files) == (stage in ("report", "register"))
        if stage in ("train_base", "train_reference", "train_level_input"):
            assert not any(file.startswith("ftn_core/transitions/") for file in files)


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_is_a_command(stage):
    help_text = subprocess.run(
        [sys.executable, "-m", f"tasks.{TASK[stage]}", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert f"python -m tasks.{TASK[stage]}" in help_text
    for argument in STAGES[stage].get("matrix", {}):
        assert argument in help_text


def test_packaged_code_is_what_dvc_watches():
    code = runpy.run_path(str(ROOT / "tasks/register.py"))["CODE"]
    assert set(code) <= set(STAGES["register"]["deps"])
    assert all(Path(ROOT / path).exists() for path in code)
