"""``make why`` in a copy of the project whose outputs are stand-ins that `dvc commit` takes for made."""

from pathlib import Path

import pytest
from sandbox import Sandbox

from flows.graph import read_graph


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        sandbox = Sandbox(tmp_path_factory.mktemp("why") / "project")
        patch.chdir(sandbox.root)
        sandbox.pretend_made()
        yield sandbox


def reasons():
    return {stage.name: stage.reason for stage in read_graph() if not stage.up_to_date}


def test_nothing_would_run(project):
    assert project.python("-m", "flows.why").stdout == "nothing would run\n"


def test_a_parameter_and_an_output_are_named_and_what_follows_from_them(project):
    params = Path("params.yaml")
    text = params.read_text()
    params.write_text(text.replace("steps: 20", "steps: 21"))
    Path("results/filters.json").unlink()
    try:
        lines = project.python("-m", "flows.why").stdout.splitlines()
    finally:
        params.write_text(text)
        project.dvc("checkout", "-q", "filters")
    found = dict(line.split(": ", 1) for line in lines)
    assert found["finetune@ftn-0.5"] == "finetune.steps was 20, is 21"
    assert found["filters"] == "its output results/filters.json is missing"
    assert found["evaluate@ftn"] == "follows finetune@ftn-0.5"
    assert "train_base" not in found and found["register"].startswith("follows ")
    assert reasons() == {}


def test_code_that_changed_is_named(project):
    code = Path("tasks/prepare.py")
    text = code.read_text()
    code.write_text(text + "# edited\n")
    try:
        found = reasons()
    finally:
        code.write_text(text)
    assert found["prepare"] == "tasks/prepare.py changed"
    assert {found[name] for name in ("train_base", "evaluate@ftn", "register")} == {"follows prepare"}


def test_a_mistake_in_the_parameters_is_one_line(project):
    params = Path("params.yaml")
    text = params.read_text()
    params.write_text(text.replace("steps: 20", "steps: no"))
    try:
        result = project.python("-m", "flows.why", check=False)
    finally:
        params.write_text(text)
    assert result.returncode == 2 and "finetune.steps" in result.stdout
