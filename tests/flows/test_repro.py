import os
import subprocess
import sys
from pathlib import Path

from project import ROOT

from flows.lock import RUN_LOCK


def repro(*arguments):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-m", "flows.repro", *arguments], env=env, capture_output=True, text=True)


def test_repro_runs_what_changed_under_the_lock(done):
    Path("fancy.txt").write_text("other\n")
    result = repro("finetune")
    assert result.returncode == 0
    assert "Running stage 'method@ftn'" in result.stdout and done.runs() == ["finetune@ftn-0.5"]
    assert RUN_LOCK.read_text().startswith("dvc repro finetune (process ")


def test_the_exit_code_is_dvcs(done):
    Path("fail-prepare").touch()
    assert repro("--single-item", "--force", "prepare").returncode == 255
