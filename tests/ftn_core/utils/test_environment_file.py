"""`.env` as commands read it: what a stranger's folder holds does nothing."""

import os
import subprocess
import sys

import pytest
from project import ROOT

SHOW = "import flows, os; print({name: os.environ.get(name) for name in ('MLFLOW_TRACKING_URI', 'LD_PRELOAD')})"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / ".env").write_text("LD_PRELOAD=/nowhere.so\nexport MLFLOW_TRACKING_URI='http://127.0.0.1:9'\n")
    (tmp_path / ".env").chmod(0o644)
    return tmp_path


@pytest.fixture
def clone(folder):
    (folder / "ftn_core").symlink_to(ROOT / "ftn_core")
    return folder


def run(folder, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
    return subprocess.run([sys.executable, *command], cwd=folder, env=env | more, capture_output=True, text=True)


def test_in_a_clone_its_settings_are_taken_and_nothing_else(clone):
    done = run(clone, "-c", SHOW)
    assert done.stdout == "{'MLFLOW_TRACKING_URI': 'http://127.0.0.1:9', 'LD_PRELOAD': None}\n"
    assert done.stderr.splitlines() == [
        ".env could be read by others: now by you alone (chmod 600)",
        ".env: LD_PRELOAD not taken: a name begins with FTN_, MLFLOW_, PREFECT_, DVC_, AWS_",
    ]
    assert (clone / ".env").stat().st_mode & 0o777 == 0o600


def test_what_is_set_already_stays(clone):
    assert "'http://set'" in run(clone, "-c", SHOW, MLFLOW_TRACKING_URI="http://set").stdout


def test_in_any_other_folder_it_is_not_read(folder):
    done = run(folder, "-c", SHOW)
    assert done.stdout == "{'MLFLOW_TRACKING_URI': None, 'LD_PRELOAD': None}\n" and not done.stderr
    assert (folder / ".env").stat().st_mode & 0o777 == 0o644
    (folder / "params.yaml").touch()  # a project, so that ftn works with no other
    models = run(folder, "-c", "from serving.command import main; main()", "models", "list", "--name", "m")
    assert models.returncode == 2 and "mlflow.db does not exist" in models.stderr
