"""The runner ``python -m tasks STAGE VALUES``: what it imports, what it refuses, and how a stage's run ends."""

import os
import signal
import subprocess
import sys
import textwrap

import mlflow
import pytest
import yaml
from project import ROOT
from sandbox import Sandbox

STAGES = [
    name
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items()
    if "python -m tasks" in stage.get("cmd", "")
]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    return Sandbox(tmp_path_factory.mktemp("stage") / "project")


def run_here(arguments: list[str], check: str) -> subprocess.CompletedProcess[str]:
    """The runner in a process that checks at its end which modules it has imported."""
    script = textwrap.dedent(f"""
        import runpy, sys
        sys.argv = {["tasks", *arguments]!r}
        try:
            runpy.run_module("tasks", run_name="__main__")
        finally:
            imported = set(sys.modules)
            {check}
    """)
    return subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("arguments", [[], *([stage] for stage in STAGES)], ids=lambda arguments: " ".join(arguments))
def test_help_imports_nothing_heavy(arguments):
    check = 'assert not imported & {"torch", "numpy", "pydantic", "mlflow", "dvc"}, imported'
    result = run_here([*arguments, "--help"], check)
    assert result.returncode == 0 and result.stdout.startswith("usage:"), result.stderr
    if arguments:
        assert result.stdout.startswith(f"usage: python -m tasks {arguments[0]} ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train_bse"], "invalid choice: 'train_bse' (choose from"),
        (["identity"], "invalid choice: 'identity'"),  # a file of tasks/ that is no stage
        ([], "the following arguments are required: STAGE"),
        (["degraded"], "the following arguments are required: level"),
        (["prepare", "0.2"], "unrecognized arguments: 0.2"),
        (["degraded", "much"], "invalid float value: 'much'"),
    ],
    ids=lambda value: "-".join(value) or "nothing" if isinstance(value, list) else "",
)
def test_a_wrong_command_is_refused_before_a_stage_is_imported(arguments, message):
    own = {"tasks.parent_death", "tasks.running"}
    check = f"assert not any(name.startswith(('torch', 'tasks.')) for name in imported - {own})"
    result = run_here(arguments, check)
    assert result.returncode == 2 and message in result.stderr


def test_outside_a_project_the_runner_says_so(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "tasks", "prepare"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2 and result.stderr == "dvc.yaml does not exist: run this from the project's root\n"


def test_a_stage_whose_input_is_missing_says_how_to_make_it(sandbox):
    result = sandbox.python("-m", "tasks", "degraded", "0.2", check=False)
    assert result.returncode == 2
    assert "data/photographs" in result.stdout and "dvc repro degraded@0.2" in result.stdout


def test_a_value_outside_the_matrix_is_refused(sandbox):
    result = sandbox.python("-m", "tasks", "degraded", "0.25", check=False)
    assert result.returncode == 2 and "degraded@0.25" in result.stdout


def test_every_stage_runs_alone(sandbox):
    sandbox.python("-m", "tasks", "prepare")
    sandbox.python("-m", "tasks", "degraded", "0.2")
    assert (sandbox.root / "data/degraded/0.2/test/pixels.bin").exists()


@pytest.mark.parametrize(("limit", "message"), [
    ("ulimit -f 40", ": make room and run this again"),
    ("exec setpriv --bounding-set -dac_override,-dac_read_search", "photographs/val: Permission denied: make it"),
])  # fmt: skip
def test_a_full_disk_and_a_folder_that_may_not_be_read_are_one_line(sandbox, limit, message):
    folder = sandbox.root / "photographs/val"
    folder.chmod(0)  # which only the second one cannot open, even as root
    try:
        separator = " " if limit.startswith("exec") else "; exec "
        result = sandbox.run("bash", "-c", f"{limit}{separator}{sys.executable} -m tasks prepare", check=False)
    finally:
        folder.chmod(0o755)
    assert result.returncode == 2
    (line,) = result.stdout.splitlines()
    assert line.startswith("prepare: ") and message in line


def test_a_stopped_stage_ends_its_run_killed(sandbox):
    sandbox.untracked("degraded@0.2", "loss", "pretrained")
    params = sandbox.root / "params.yaml"
    text = params.read_text()
    params.write_text(text.replace("steps: 30", "steps: 4000"))
    try:
        process = sandbox.start("python", "-m", "tasks", "train_base")
        for line in process.stdout:
            if " of 4000 steps" in line:
                process.send_signal(signal.SIGTERM)
                break
        process.communicate(timeout=60)
        assert process.returncode == 143
        assert status_of(sandbox, "train_base") == "KILLED"
    finally:
        params.write_text(text)


def status_of(sandbox: Sandbox, stage: str) -> str:
    client = mlflow.MlflowClient(sandbox.tracking_uri)
    experiment = client.get_experiment_by_name("ftn").experiment_id
    (run,) = client.search_runs([experiment], f"tags.`ftn.stage` = '{stage}'")
    return run.info.status


def test_the_default_store_lies_beside_the_project_and_the_environment_wins(monkeypatch, tmp_path):
    from registry.server import tracking_uri

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert tracking_uri() == "http://127.0.0.1:1"


def test_an_unexpected_error_marks_the_run_failed(sandbox):
    script = textwrap.dedent("""
        import runpy, sys
        import tasks.degraded
        def degraded(params, tracker, level):
            raise RuntimeError("the disk is on fire")
        tasks.degraded.degraded = degraded
        sys.argv = ["tasks", "degraded", "0.2"]
        runpy.run_module("tasks", run_name="__main__")
    """)
    result = sandbox.python("-c", script, check=False)
    assert result.returncode == 1 and "the disk is on fire" in result.stdout
    assert status_of(sandbox, "degraded@0.2") == "FAILED"
