"""`make mlflow`: it leads to the trainings, not to MLflow's pages for language models."""

import os
import shutil
import subprocess
import sys

import mlflow
import pytest
from project import ROOT

SERVER = "http://127.0.0.1:5000/#/experiments"
MLFLOW = '#!/bin/sh\necho "mlflow $*"\n'
"""Takes the place of MLflow's server, which would not end."""


@pytest.fixture
def show(tmp_path):
    program = tmp_path / "bin/mlflow"
    program.parent.mkdir()
    program.write_text(MLFLOW)
    program.chmod(0o755)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")}
    env = clean | {"PYTHONPATH": str(ROOT), "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-m", "registry.ui"]
    return lambda: subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)


def test_it_says_where_the_trainings_are_and_serves_this_project_s_store(show, tmp_path, empty_store):
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    experiment = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db").create_experiment("ftn")
    page, served = show().stdout.splitlines()
    assert page == f"the trainings: {SERVER}/{experiment}/runs?workflowType=machine_learning"
    assert served.startswith("mlflow server --host 127.0.0.1 --port 5000")
    assert served.endswith(f"--backend-store-uri sqlite:///{tmp_path}/mlflow.db")


def test_without_a_store_it_says_how_to_make_one(show):
    done = show()
    assert (done.returncode, done.stdout) == (2, "")
    assert "mlflow.db does not exist: `make repro`" in done.stderr and done.stderr.count("\n") == 1
