import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import mlflow
import pytest
from project import ROOT
from sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    return Sandbox(tmp_path_factory.mktemp("stage") / "project")


@pytest.mark.parametrize(
    "stage",
    sorted(p.stem for p in (ROOT / "tasks").glob("*.py") if "__main__" in p.read_text() and p.stem != "tether"),
)
def test_help_imports_nothing_heavy(stage):
    script = textwrap.dedent(f"""
        import runpy, sys
        sys.argv = ["{stage}", "--help"]
        try:
            runpy.run_module("tasks.{stage}", run_name="__main__")
        finally:
            heavy = {{"torch", "numpy", "pydantic", "mlflow", "dvc"}} & set(sys.modules)
            assert not heavy, heavy
    """)
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0 and result.stdout.startswith("usage:"), result.stderr


def test_a_stage_whose_input_is_missing_says_how_to_make_it(sandbox):
    result = sandbox.python("-m", "tasks.degraded", "0.2", check=False)
    assert result.returncode == 2
    assert "data/photographs" in result.stdout and "dvc repro degraded@0.2" in result.stdout


def test_a_value_outside_the_matrix_is_refused(sandbox):
    result = sandbox.python("-m", "tasks.degraded", "0.25", check=False)
    assert result.returncode == 2 and "degraded@0.25" in result.stdout


def test_a_wrong_type_of_argument_is_refused(sandbox):
    result = sandbox.python("-m", "tasks.degraded", "much", check=False)
    assert result.returncode == 2 and "invalid float value: 'much'" in result.stdout


def test_every_stage_runs_alone(sandbox):
    sandbox.python("-m", "tasks.prepare")
    sandbox.python("-m", "tasks.degraded", "0.2")
    assert (sandbox.root / "data/degraded/0.2/test/pixels.bin").exists()


def test_a_stopped_stage_ends_its_run_and_goes_on_later(sandbox):
    sandbox.dvc("repro", "degraded@0.2", "objective")
    params = sandbox.root / "params.yaml"
    text = params.read_text()
    params.write_text(text.replace("steps: 30", "steps: 4000"))
    try:
        env = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        process = subprocess.Popen(
            [sys.executable, "-m", "tasks.train_base"], cwd=sandbox.root, env=env, stdout=subprocess.PIPE, text=True
        )
        for line in process.stdout:
            if " of 4000 steps" in line:
                process.send_signal(signal.SIGTERM)
                break
        process.communicate(timeout=60)
        assert process.returncode == 143
        client = mlflow.MlflowClient(sandbox.tracking_uri)
        experiment = client.get_experiment_by_name("ftn").experiment_id
        (run,) = client.search_runs([experiment], "tags.`ftn.stage` = 'train_base'")
        assert run.info.status == "KILLED"
    finally:
        params.write_text(text)


def test_the_default_store_lies_beside_the_project_and_the_environment_wins(monkeypatch, tmp_path):
    from tasks.tracking.tracker import tracking_uri

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert tracking_uri() == "http://127.0.0.1:1"


def test_an_unexpected_error_marks_the_run_failed(sandbox):
    script = textwrap.dedent("""
        import os, sys
        sys.argv = ["degraded", "0.2"]
        os.environ["DVC_STAGE"] = "degraded@0.2"
        from tasks.stage import main
        def degraded(params, tracker, level: float):
            "Fails."
            raise RuntimeError("the disk is on fire")
        main(degraded)
    """)
    result = sandbox.python("-c", script, check=False)
    assert result.returncode == 1 and "the disk is on fire" in result.stdout
    client = mlflow.MlflowClient(sandbox.tracking_uri)
    experiment = client.get_experiment_by_name("ftn").experiment_id
    (run,) = client.search_runs([experiment], "tags.`ftn.stage` = 'degraded@0.2'")
    assert run.info.status == "FAILED"
