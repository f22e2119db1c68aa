import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import psutil
import pytest
import yaml
from forked_python import forked_python
from prefect import tags
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, LogFilter
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_database import make_database

from flows.pipeline import main, pipeline

pytestmark = pytest.mark.usefixtures("prefect_server")
PROJECT = Path(__file__).parents[2]


def _flow(**parameters):
    """Run the flow; its final state, and the states of its stages as the server knows them."""
    with mock.patch.object(sys, "executable", forked_python()):
        state = pipeline(**parameters, return_state=True)
    run_id = state.state_details.flow_run_id
    deadline = time.time() + 20
    with get_client(sync_client=True) as client:
        while True:  # task runs reach the server as events, a moment later
            runs = client.read_task_runs(flow_run_filter=FlowRunFilter(id={"any_": [run_id]}))
            if all(r.state_name not in ("Running", "Pending") for r in runs) or time.time() > deadline:
                break
            time.sleep(0.2)
    return SimpleNamespace(
        id=run_id,
        name=state.name,
        message=state.message,
        states={r.name: r.state_name for r in runs},
        messages={r.name: r.state.message for r in runs},
    )


def test_runs_the_graph_siblings_at_once_and_leaves_nothing_for_dvc(fresh):
    for sibling in ("degraded@0.2", "degraded@0.5"):
        Path(f"slow-{sibling}").write_text("2")
    run = _flow(workers=2)
    assert run.name == "Completed", run.message
    assert run.states == dict.fromkeys(fresh.stages, "Completed")

    times = {name: (start, end) for name, start, end in fresh.times()}
    assert len(fresh.times()) == 5
    assert times["prepare"][1] <= min(times["degraded@0.2"][0], times["degraded@0.5"][0])
    assert max(times["degraded@0.2"][0], times["degraded@0.5"][0]) < min(
        times["degraded@0.2"][1], times["degraded@0.5"][1]
    )
    assert times["degraded@0.5"][1] <= times["finetune@ftn-0.5"][0]
    assert times["finetune@ftn-0.5"][1] <= times["evaluate"][0]

    assert "Data and pipelines are up to date" in fresh.dvc("repro")
    assert len(fresh.runs()) == 5
    artifact = Artifact.get("results")
    assert artifact.data == Path("results/table.md").read_text()
    assert artifact.flow_run_id == run.id


def test_after_dvc_repro_all_is_cached(done):
    run = _flow()
    assert run.states == dict.fromkeys(done.stages, "Cached")
    assert run.messages == dict.fromkeys(done.stages, "unchanged")
    assert run.message == "0 stages ran, 6 were cached"
    assert done.runs() == []


def test_deleted_output_is_restored_without_running(done):
    Path("out/degraded-0.2.txt").unlink()
    run = _flow()
    assert run.states == dict.fromkeys(done.stages, "Cached")
    assert run.messages["degraded@0.2"] == "restored from DVC's cache"
    assert run.messages["evaluate"] == "unchanged"
    assert Path("out/degraded-0.2.txt").exists()
    assert done.runs() == []


def test_forced_stage_runs_and_its_equal_output_changes_nothing_else(done):
    run = _flow(targets=["finetune"], force=["degraded@0.5"])
    assert run.states == {
        "prepare": "Cached", "method@ftn": "Cached", "degraded@0.5": "Completed", "finetune@ftn-0.5": "Cached"
    }  # fmt: skip
    assert run.messages["degraded@0.5"] == "ran: forced"
    assert done.runs() == ["degraded@0.5"]


def test_a_failed_run_is_notified(fresh, monkeypatch):
    notified = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self):
            notified.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Webhook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("FTN_NOTIFY", f"json://user:planted-secret@127.0.0.1:{server.server_port}/")
        Path("fail-prepare").touch()
        run = _flow(targets=["prepare"])
        server.shutdown()
    (message,) = notified
    assert message["title"].startswith("ftn: pipeline ") and message["title"].endswith(": Failed")
    assert "prepare: boom in prepare" in message["message"] and str(run.id) in message["message"]
    assert "planted-secret" not in json.dumps(notified)


def test_failed_stage_fails_the_run_siblings_finish_and_a_rerun_takes_up_the_rest(fresh):
    Path("fail-degraded@0.5").touch()
    Path("slow-degraded@0.2").write_text("1.5")
    targets = ["finetune", "degraded@0.2"]
    run = _flow(targets=targets)
    assert run.name == "Failed"
    assert run.message == "degraded@0.5: boom in degraded@0.5"
    assert run.states["degraded@0.5"] == "Failed"
    assert "degraded@0.5 says 29" in run.messages["degraded@0.5"]
    assert run.states["degraded@0.2"] == "Completed"
    assert run.states["finetune@ftn-0.5"] == "NotReady"
    assert fresh.runs() == ["prepare", "degraded@0.2"]

    Path("fail-degraded@0.5").unlink()
    again = _flow(targets=targets)
    assert again.name == "Completed"
    assert {name for name, state in again.states.items() if state == "Cached"} == {
        "prepare", "method@ftn", "degraded@0.2"
    }  # fmt: skip
    assert fresh.runs() == ["prepare", "degraded@0.2", "degraded@0.5", "finetune@ftn-0.5"]


def test_lines_reach_the_logs_and_progress_its_artifact(fresh):
    Path("work.py").write_text(Path("work.py").read_text() + "print(f'\\r 40%|####  |')\n")
    run = _flow(targets=["prepare"])
    deadline = time.time() + 10
    with get_client(sync_client=True) as client:
        while time.time() < deadline:
            logs = {log.message for log in client.read_logs(LogFilter(flow_run_id={"any_": [run.id]}))}
            if "hello from prepare" in logs:
                break
            time.sleep(0.3)
    assert {"stage 1 of 1: prepare (it has not run yet)", "hello from prepare"} <= logs
    assert Artifact.get("progress-prepare").data == 100


def test_overrides_belong_to_their_run_and_only_what_they_touch_runs(done):
    before = Path("params.yaml").read_bytes()
    steps = yaml.safe_load(Path("params.yaml").read_text())["finetune"]["steps"]
    run = _flow(overrides=["finetune.steps=7"], targets=["finetune"])
    assert run.states == {
        "prepare": "Cached", "method@ftn": "Cached", "degraded@0.5": "Cached", "finetune@ftn-0.5": "Completed"
    }  # fmt: skip
    assert run.messages["finetune@ftn-0.5"] == f"ran: finetune.steps was {steps}, is 7"
    lock = yaml.safe_load(Path("dvc.lock").read_text())["stages"]["finetune@ftn-0.5"]
    assert lock["params"]["params.yaml"]["finetune.steps"] == 7
    assert Path("params.yaml").read_bytes() == before


def test_a_scheduled_run_takes_the_parameters_of_the_commit(committed):
    text = Path("params.yaml").read_text()
    edited = text.replace("  steps: 400", "  steps: 401")
    Path("params.yaml").write_text(edited)
    with tags("auto-scheduled"):  # as Prefect's scheduler has it
        run = _flow(targets=["finetune"])
    assert set(run.states.values()) == {"Cached"} and committed.runs() == []
    assert Path("params.yaml").read_text() == edited
    assert _flow(targets=["finetune"]).states["finetune@ftn-0.5"] == "Completed"


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"overrides": ["finetune.steps=0"]}, "finetune.steps"),
        ({"overrides": ["finetune.steps=7", "finetune.stepz=7"]}, "finetune.stepz"),
        ({"overrides": ["+train.speed=7"]}, "train.speed"),
        ({"overrides": ["finetune.steps"]}, "finetune.steps"),
        ({"overrides": ["finetune.steps=7"], "targets": ["nowhere"]}, "nowhere"),
        ({"workers": 0}, "workers"),
    ],
)
def test_mistakes_are_refused_and_nothing_changed(done, parameters, named):
    before = Path("params.yaml").read_bytes()
    run = _flow(**parameters, force=["prepare"])
    assert run.name == "Refused"
    assert named in run.message
    assert "\n" not in run.message
    assert run.states == {}
    assert done.runs() == []
    assert Path("params.yaml").read_bytes() == before
    assert not list(Path().glob(".params*"))


def test_nothing_is_removed_for_a_target_that_does_not_exist(fresh):
    stages = {
        "finetune": {"cmd": "touch data/models/a", "deps": ["seed.txt"], "outs": ["data/models/a"]},
        "report": {"cmd": "ls data/models > list.txt", "deps": ["data/models"], "outs": ["list.txt"]},
    }
    fresh.dvc("add", "-q", "fancy.txt")  # DVC's cache has the bytes of what is left
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    left = Path("data/models/left.txt")
    left.parent.mkdir(parents=True)
    left.write_bytes(Path("fancy.txt").read_bytes())
    assert _flow(targets=["nowhere"]).name == "Refused" and left.exists()
    assert _flow(targets=["report"]).name == "Completed" and not left.exists()


def test_exit_codes(done, capsys):
    assert main(["--target", "degraded@0.2"]) == 0
    Path("fail-degraded@0.2").touch()
    assert main(["--target", "degraded@0.2", "--force", "degraded@0.2"]) == 1
    assert capsys.readouterr().err.endswith("degraded@0.2: boom in degraded@0.2\n")
    assert main(["--set", "seed=-1"]) == 2
    assert "seed" in capsys.readouterr().err.splitlines()[-1]


def test_a_server_that_does_not_answer_is_one_line(fresh, capsys):
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}):
        assert main(["--target", "prepare"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("PREFECT_API_URL: Prefect at http://127.0.0.1:1/api does not answer (")
    assert fresh.runs() == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -15)])
def test_interruption_ends_the_stages_and_starts_no_more(fresh, number, code):
    Path("slow-prepare").write_text("600")
    flow = subprocess.Popen(
        [sys.executable, "-m", "flows.pipeline"],
        env={**os.environ, "PYTHONPATH": str(PROJECT), "PREFECT_API_URL": PREFECT_API_URL.value()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # a shell's background job has its interruptions ignored, and hands that on
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.time() + 120
    while not Path("started-prepare").exists():
        assert time.time() < deadline
        time.sleep(0.1)
    assert _processes_in(fresh.root)
    flow.send_signal(number)
    output, _ = flow.communicate(timeout=120)
    assert flow.returncode == code, output
    assert "flows/pipeline.py" not in output  # no traceback but the stage's own
    assert not _processes_in(fresh.root)
    assert fresh.runs() == []


def test_a_run_whose_temporary_server_is_killed_makes_everything_and_says_so_at_once(fresh, tmp_path):
    Path("slow-prepare").write_text("3")
    make_database(tmp_path / "prefect/prefect.db")
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    flow = subprocess.Popen(
        [sys.executable, "-m", "flows.pipeline", "--target", "prepare"],
        env={**env, "PYTHONPATH": str(PROJECT), "PREFECT_HOME": str(tmp_path / "prefect")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.time() + 180
    while not Path("started-prepare").exists():
        assert time.time() < deadline
        time.sleep(0.1)
    (server,) = [child for child in psutil.Process(flow.pid).children() if "uvicorn" in child.cmdline()]
    server.kill()
    errors = flow.communicate(timeout=60)[1]
    (_, _, ended) = fresh.times()[-1]
    assert flow.returncode == 1 and time.time() < ended + 15
    said = errors.splitlines()  # what Prefect was just sending fails too, and it may say so in between
    assert "Prefect's temporary server ended (exit code -9): stages that run go on" in said
    assert said[-1] == (
        "Without its server this run cannot end as it should. What its stages made is kept: run this again"
    )
    assert "up to date" in fresh.dvc("repro", "prepare")


def _processes_in(root):
    """Processes other than this one that work in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int(entry.name) != os.getpid() and (entry / "cwd").readlink() == root:
                found.append(int(entry.name))
        except OSError:
            continue
    return found
