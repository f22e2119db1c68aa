"""Stages in several processes: how they start and end, and a real training killed and resumed."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import mlflow
import psutil
import pytest
from forked_python import forked_python
from project import ROOT
from sandbox import Sandbox

from ftn_core.utils.errors import UserError
from tasks.identity import from_lock
from tasks.launch import _arguments, run_in_processes

WORKER = textwrap.dedent("""
    import contextlib, os, signal, sys, time
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    from ftn_core.utils.errors import UserError
    from tasks import launch
    launch.open_tracker = lambda stage, step_of: contextlib.nullcontext("tracker")  # no DVC, no MLflow: only processes
    what, devices = sys.argv[1], int(sys.argv[2])
    try:
        with launch.run_in_processes("stage", devices, round) as tracker:
            rank = os.environ["RANK"]
            line = f"{rank} {os.getpid()} {tracker if tracker == 'tracker' else tracker.stage}"
            os.write(1, f"{line}\\n".encode())  # at once: lines of several processes must not mix
            if what == "refuse":
                raise UserError("crop is too large")
            if what == "refuse-one" and rank == "1":
                raise UserError("no photographs on this machine")
            if what == "break" and rank == "1":
                raise RuntimeError("the disk is on fire")
            if what == "die" and rank == "1":
                os.kill(os.getpid(), signal.SIGKILL)
            if what != "end":
                time.sleep(60)
    except UserError as error:
        print(f"stage: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
""")


def start(what: str, devices: int, **env: str) -> subprocess.Popen[str]:
    python = sys.executable if what == "sleep" else forked_python()  # what sleeps is sent signals
    return subprocess.Popen(
        [python, "-c", WORKER, what, str(devices)], cwd=ROOT, env=os.environ | env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def output(process: subprocess.Popen[str]) -> str:
    return process.communicate(timeout=60)[0]


def test_all_run_and_the_first_tracks():
    process = start("end", 3)
    lines = output(process).splitlines()
    assert process.returncode == 0
    printed = {line.split()[0]: line.split()[2] for line in lines}
    assert printed == {"0": "tracker", "1": "stage", "2": "stage"} and len(lines) == 3


@pytest.mark.parametrize(
    ("what", "message"), [("refuse", "crop is too large"), ("refuse-one", "no photographs on this machine")]
)
def test_a_users_mistake_is_printed_once(what, message):
    process = start(what, 2)
    lines = [line for line in output(process).splitlines() if not line[0].isdigit()]
    assert process.returncode == 2
    assert lines == [f"stage: {message}"]


@pytest.mark.parametrize(("how", "ended"), [("break", "with exit code 1"), ("die", "by SIGKILL")])
def test_with_one_all_end(how, ended):
    process = start(how, 2)
    printed = output(process)
    assert process.returncode == 1
    assert ("the disk is on fire" in printed) == (how == "break")
    assert f"stage: process 1 of 2 ended {ended}, and the others with it" in printed


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_signal_to_the_launcher_ends_all(number, code):
    process = start("sleep", 2)
    pids = [int(process.stdout.readline().split()[1]) for _ in range(2)]
    process.send_signal(number)
    output(process)
    assert process.returncode == code
    gone(pids)


def gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 20
    while any(psutil.pid_exists(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_two_machines_share_one_training():
    """Two launchers that meet; only the first machine has the first process."""
    options = "--nnodes=2 --master-addr=127.0.0.1 --master-port=29517"
    processes = [start("end", 4, FTN_TORCHRUN=f"{options} --node-rank={rank}") for rank in range(2)]
    printed = [output(process) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], printed
    # the launchers may warn, where one has gone before the other
    ranks = [{line.split()[0] for line in text.splitlines() if line[:1].isdigit()} for text in printed]
    assert ranks == [{"0", "1"}, {"2", "3"}]


def test_processes_that_torchrun_started_are_used():
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--no-python", sys.executable]
    printed = subprocess.check_output([sys.executable, *command, "-c", WORKER, "end", "2"], cwd=ROOT, text=True)
    assert sorted(line[0] for line in printed.splitlines()) == ["0", "1"]


def test_more_or_fewer_processes_than_the_parameter_says_are_refused(monkeypatch, tmp_path):
    report = tmp_path / "error.json"
    launched = {"TORCHELASTIC_RUN_ID": "x", "TORCHELASTIC_ERROR_FILE": str(report), "WORLD_SIZE": "2", "RANK": "1"}
    for name, value in launched.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("tasks.launch._end_with", lambda parent: None)
    with pytest.raises(SystemExit, match="2"), run_in_processes("stage", 4, round):
        pass
    assert "train.devices is 4, but torchrun started 2 processes: make them equal" in report.read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--nnode=2x", "FTN_TORCHRUN: --nnodes=2x must be a number"),
        ("--nnodes=1:4", "FTN_TORCHRUN: --nnodes=1:4 must be a number"),
        ("--nnodes=3", r"train\.devices = 4 is not divisible by --nnodes=3"),
        ("--rdzv-conf", "FTN_TORCHRUN: argument --rdzv-conf"),
    ],
)
def test_wrong_options_of_the_launcher_are_refused(monkeypatch, options, message):
    monkeypatch.setenv("FTN_TORCHRUN", options)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with pytest.raises(UserError, match=message):
        _arguments(4, "reports")


def test_a_training_can_be_resumed_with_another_number_of_processes():
    def identity(**train):
        return from_lock("s", {"cmd": "c", "params": {"params.yaml": {"seed": 0, "train": {"steps": 9, **train}}}})

    one, two = identity(devices=1), identity(devices=2)
    assert one.digest != two.digest and one.resume_key == two.resume_key
    assert one.resume_key != identity(devices=1, crop=3).resume_key


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    changes = {"train.steps": 500, "train.precision": "32-true", "train.validations": 4, "train.batch_size": 4}
    sandbox = Sandbox(tmp_path_factory.mktemp("processes") / "project", **changes)
    sandbox.save_often()
    sandbox.untracked("degraded@0.2", "loss", "pretrained")
    return sandbox


def spread(sandbox: Sandbox, devices: int) -> None:
    path = sandbox.root / "params.yaml"
    path.write_text(re.sub("devices: .*", f"devices: {devices}", path.read_text()))


def curve(sandbox: Sandbox) -> list[str]:
    return (sandbox.root / "results/curves/train_base.csv").read_text().splitlines()


def test_ended_it_goes_on_with_another_number_of_processes(sandbox):
    """Two processes, ended from outside; then one, by DVC."""
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    spread(sandbox, 2)
    stage = subprocess.Popen(
        [sys.executable, "-m", "tasks", "train_base"], cwd=sandbox.root, env=env, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    states = sandbox.root / ".ftn/resume"
    deadline = time.monotonic() + 60
    while not list(states.glob("*.safetensors")):
        assert time.monotonic() < deadline and stage.poll() is None, output(stage)
        time.sleep(0.02)
    pids = [process.pid for process in psutil.Process(stage.pid).children() if "train_base" in process.cmdline()]
    assert len(pids) == 2
    stage.send_signal(signal.SIGTERM)
    printed = output(stage)
    gone(pids)
    assert stage.returncode == 143, printed
    (state,) = states.glob("*.safetensors")
    (run,) = runs(sandbox)
    assert run.info.status == "KILLED"

    spread(sandbox, 1)
    printed = sandbox.dvc("repro", "train_base")
    assert int(re.search(r"goes on from step (\d+)", printed)[1]) > 0 and not state.exists()
    assert len(curve(sandbox)) == 5
    assert len(runs(sandbox)) == 2  # the parameter is tracked, and no process but the first tracks
    resumed = float(curve(sandbox)[-1].split(",")[2])
    sandbox.python("-m", "tasks", "train_base")
    alone = float(curve(sandbox)[-1].split(",")[2])
    print(f"validation PSNR: two processes, then one {resumed} dB; one {alone} dB")
    assert abs(resumed - alone) < 0.05


def runs(sandbox: Sandbox) -> list[mlflow.entities.Run]:
    client = mlflow.MlflowClient(sandbox.tracking_uri)
    return client.search_runs([client.get_experiment_by_name("ftn").experiment_id], "tags.`ftn.stage` = 'train_base'")
