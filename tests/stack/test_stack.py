"""`make up`, run again, in trouble, and over a restart."""

import sys

import requests
from team import Team

SLOT = """
import os, sys, time
from flows.gpu import gpu_slot
with gpu_slot(print) as environment:
    began = time.time()
    time.sleep(3)
    print("held", environment["CUDA_VISIBLE_DEVICES"], began, time.time())
"""


def test_up_again_changes_nothing_and_says_the_same(team):
    before = team.here.run(*team.supervisorctl, "pid", "prefect").stdout
    out = team.up().stdout
    assert f"Prefect  http://127.0.0.1:{team.settings['FTN_PREFECT_PORT']}" in out
    assert team.here.run(*team.supervisorctl, "pid", "prefect").stdout == before
    status = team.here.python("-m", "stack", "status").stdout
    assert [line.split()[:2] for line in sorted(status.splitlines())] == [
        [name, "running"] for name in ("mlflow", "postgres", "prefect", "s3", "worker-default", "worker-gpu")
    ]


def test_a_taken_port_is_named_with_the_setting_that_moves_it(team, tmp_path):
    other = Team(tmp_path)
    other.settings = team.settings
    result = other.up(check=False)
    assert result.returncode == 2
    port = team.settings["FTN_POSTGRES_PORT"]
    assert f"port {port}, for postgres, is taken by another program: end it, or set FTN_POSTGRES_PORT" in result.stdout
    assert other.here.python("-m", "stack", "status", check=False).returncode == 2


def test_without_the_password_nobody_gets_in(team):
    mlflow_at, prefect_at = team.env["MLFLOW_TRACKING_URI"], team.env["PREFECT_API_URL"]
    assert requests.get(f"{mlflow_at}/api/2.0/mlflow/experiments/get?experiment_id=0").status_code == 401
    assert requests.post(f"{prefect_at}/deployments/count").status_code == 401
    assert "ok     Prefect" in team.here.python("-m", "stack.check", **team.env).stdout


def test_a_gpu_has_one_stage_at_a_time(team):
    """Without a GPU: only who may take which one, when."""
    make = "from stack.worker import _make_slots; _make_slots(['7'])"
    team.here.python("-c", make, **team.env)
    both = [team.here.start(sys.executable, "-c", SLOT, **team.env, FTN_GPUS="7") for _ in range(2)]
    ends = [process.communicate(timeout=120)[0].splitlines()[-1].split() for process in both]
    assert [words[:2] for words in ends] == [["held", "7"]] * 2
    (_, first), (second, _) = sorted((float(words[2]), float(words[3])) for words in ends)
    assert second >= first


def test_data_survive_a_restart(team):
    count = "import mlflow; print(len(mlflow.MlflowClient().search_experiments()))"
    before = team.here.python("-c", count, **team.env).stdout
    secrets = [path.read_text() for path in sorted((team.here.root / ".ftn/stack/secrets").iterdir())]
    team.down()
    assert team.here.python("-m", "stack", "status", check=False).stdout.strip() == "status: nothing runs here: make up"
    team.up()
    assert team.here.python("-c", count, **team.env).stdout == before
    assert [path.read_text() for path in sorted((team.here.root / ".ftn/stack/secrets").iterdir())] == secrets
