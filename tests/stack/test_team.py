"""The team's servers: the graph over several machines, killed machines and servers, problems with `make up`."""

import shutil
import signal
import subprocess
import sys

import mlflow
import pytest
import requests
from listeners import documented, let_in, listening, writable_sockets
from team import STEPS, Team, kill_tree, wait_for
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

SLOT = """
import os, sys, time
from flows.gpu import gpu_slot
with gpu_slot(print) as environment:
    began = time.time()
    time.sleep(3)
    print("held", environment["CUDA_VISIBLE_DEVICES"], began, time.time())
"""

HEARTBEATS = """
import time
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.events import emit_event
from prefect.states import Pending, Running
from flows import heartbeat

heartbeat.TIMEOUT = 8
with get_client(sync_client=True) as client:
    empty = flow(lambda: None, name="heartbeats")
    runs = [client.create_flow_run(empty, state=state) for state in (Pending(), Running())]
    monitors = [heartbeat.HeartbeatMonitor(run.id) for run in runs]
    for _ in range(10):
        emit_event("prefect.flow-run.heartbeat", resource={"prefect.resource.id": f"prefect.flow-run.{runs[1].id}"})
        ends = [monitor.poll() for monitor in monitors]
        time.sleep(heartbeat.POLL_SECONDS)
    print([end and end.name for end in ends])
"""


def mlflow_runs(team, monkeypatch):
    for name, value in team.env.items():
        if name.startswith("MLFLOW"):
            monkeypatch.setenv(name, value)
    client = mlflow.MlflowClient(team.env["MLFLOW_TRACKING_URI"])
    experiment = client.get_experiment_by_name("ftn")
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    return client, [run for run in runs if "ftn.stage" in run.data.tags]


def ask_prefect(team, method, path, **options):
    answer = requests.request(method, f"{team.env['PREFECT_API_URL']}/{path}", auth=team.login, **options)
    answer.raise_for_status()
    return answer.json() if answer.content else None


def states_of_the_newest_pipeline(team):
    begun = {"state": {"type": {"not_any_": ["SCHEDULED"]}}}  # leaves out tonight's scheduled run
    wanted = {"flows": {"name": {"any_": ["pipeline"]}}, "flow_runs": begun, "sort": "START_TIME_DESC", "limit": 1}
    (run,) = ask_prefect(team, "POST", "flow_runs/filter", json=wanted)
    return [state["name"] for state in ask_prefect(team, "GET", "flow_run_states/", params={"flow_run_id": run["id"]})]


def schedule(team):
    """The pipeline's, and its address."""
    deployment = ask_prefect(team, "GET", "deployments/name/pipeline/pipeline")
    (found,) = deployment["schedules"]
    return found, f"deployments/{deployment['id']}/schedules/{found['id']}"


def test_the_schedule_is_off_until_somebody_turns_it_on(team):
    assert not schedule(team)[0]["active"]


def same_outputs(machine, alone, *names):
    a, b = machine.outputs(), alone.outputs()
    chosen = [name for name in b if name.startswith(names or ("data", "models", "results"))]
    assert chosen
    assert [name for name in chosen if a.get(name) != b[name]] == []


def machine(team, name):
    """One with a worker, which runs one stage at a time."""
    machine = team.machine(name)
    machine.work()
    wait_for(lambda: "started!" in machine.log, 60, "a worker")
    return machine


@pytest.fixture(scope="module")
def second(team):
    return machine(team, "second")


@pytest.fixture(scope="module")
def spread(team, second):
    """The output of a flow that finetunes two levels on two machines, from inputs that were made here.

    While both train, all servers are killed at once, then the dispatcher, then one of the machines. The trainings are
    stopped meanwhile, as those that take hours would still run.
    """
    team.here.run(*team.supervisorctl, "stop", "worker-default")  # it runs several stages at once
    team.here.untracked("train_base", "degraded")
    other = machine(team, "other")
    flow = ("-m", "flows.pipeline", "--target", "finetune", "--pool", "default")
    dispatcher = team.here.start(sys.executable, *flow, **team.env)
    training = {second, other}

    def stop_after_a_checkpoint():
        for one in [one for one in training if one.has_checkpoint()]:
            one.signal_stage(signal.SIGSTOP)
            training.remove(one)
        return not training

    wait_for(stop_after_a_checkpoint, 120, "a checkpoint of each machine", 0.05)
    team.kill("mlflow", "prefect", "postgres", "s3")
    kill_tree(dispatcher.pid)
    dispatcher.communicate()
    again = team.here.start(team.here.interpreter, *flow, **team.env)
    wait_for(lambda: len(team.remote_files("resume")) == 2, 60, "both checkpoints at the remote")
    other.kill()
    second.signal_stage(signal.SIGCONT)
    try:
        out, _ = again.communicate(timeout=600)
    except subprocess.TimeoutExpired:
        again.kill()
        out, _ = again.communicate()
    assert again.returncode == 0, out + second.log
    return out


def test_the_levels_spread_over_two_machines_and_give_the_bytes_of_one(team, spread, alone):
    same_outputs(team.here, alone)
    assert "Running stage" not in team.here.dvc("repro", "finetune")


def test_the_other_machine_takes_over_where_the_killed_one_was(team, second, spread):
    assert "another worker takes it over" in spread
    counts = second.log.count("its run is on DVC's remote"), second.log.count("goes on from step")
    assert counts == (2, 1), second.log
    # it lasted longer than the automation's timeout
    assert states_of_the_newest_pipeline(team) == ["Pending", "Running", "Completed"]


def test_every_dispatched_stage_is_one_run_of_one_pipeline(team, spread, monkeypatch):
    client, runs = mlflow_runs(team, monkeypatch)
    names = [run.data.tags["ftn.stage"] for run in runs]
    assert sorted(names) == ["finetune@ftn-0.3", "finetune@ftn-0.5"]
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert len({run.data.tags["ftn.pipeline"] for run in runs}) == 1
    for run in runs:
        steps = [metric.step for metric in client.get_metric_history(run.info.run_id, "val_score")]
        assert steps == [STEPS // 2, STEPS]


def test_no_scratch_clone_is_left_and_the_worker_s_clone_is_untouched(second, spread):
    assert list((second.root / ".ftn/scratch").iterdir()) == []
    assert not (second.root / "models").exists()


def test_a_fresh_clone_pulls_everything_and_trains_nothing(team, spread, alone):
    team.here.dvc("push")  # what was made here and no dispatched stage reads
    machine = team.machine("fresh")
    for shared in ("dvc.lock", ".dvc/config.local"):  # a team commits dvc.lock and the remote
        shutil.copy(team.here.root / shared, machine.root / shared)
    machine.dvc("pull", "--run-cache", "finetune", "--with-deps")
    shutil.copytree(team.here.root / "photographs", machine.root / "photographs", dirs_exist_ok=True)
    assert "Running stage" not in machine.dvc("repro", "finetune")
    same_outputs(machine, alone)


def test_uncommitted_code_is_refused_before_anything_is_dispatched(team, spread):
    path = team.here.root / "ftn_core/training/loop.py"
    text = path.read_text()
    path.write_text(text + "\n")
    try:
        result = team.flow("--target", "train_base", "--pool", "default", check=False)
    finally:
        path.write_text(text)
    assert result.returncode == 1
    assert "ftn_core/training/loop.py differ from the commit" in result.stdout


def test_ten_runs_at_once_in_one_clone(team, spread):
    """`make repro` and flow runs, mixed: all end well, and nothing runs twice."""
    params = team.here.root / "params.yaml"
    text = params.read_text()
    params.write_text(text.replace("clip: false", "clip: true"))
    commands = [["-m", "flows.repro", "degraded"], ["-m", "flows.pipeline", "--target", "degraded"]] * 5
    processes = [team.here.start(team.here.interpreter, *command, **team.env) for command in commands]
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    params.write_text(text)
    assert [process.returncode for process in processes] == [0] * 10, "\n".join(outputs)
    ran = [line for out in outputs for line in out.splitlines() if "Running stage" in line]
    assert sorted(line.split("'")[-2] for line in ran) == ["degraded@0.2", "degraded@0.3", "degraded@0.5"]


def test_a_run_without_heartbeat_is_crashed_and_one_with_heartbeats_is_not(team):
    assert "['Crashed', None]" in team.here.python("-c", HEARTBEATS, **team.env).stdout


def test_no_secret_is_in_any_log_artifact_parameter_or_tag(team, spread):
    """Looks in all that the servers store: their databases, every object in the buckets, logs, results."""
    planted = {
        path.name: path.read_text() for path in (team.here.root / ".ftn/stack/secrets").iterdir() if path.suffix == ""
    }
    assert planted.keys() == {"password", "postgres-password", "s3-key", "s3-secret", "mlflow-session-key"}
    places = {f"database {name}": team.dump(name) for name in ("mlflow", "prefect")}
    places |= {f"object {key}": content for key, content in team.objects()}
    for folder in (team.here.root / ".ftn/stack/logs", team.here.root / "results", team.here.root.parent):
        for path in folder.glob("**/*.log" if folder == team.here.root.parent else "**/*"):
            if path.is_file():
                places[str(path)] = path.read_bytes()
    places["output of a flow"] = spread.encode()
    assert len(places) > 20 and b"val_score" in places["database mlflow"] and b"finetune" in places["database prefect"]
    found = [
        (what, where) for where, text in places.items() for what, secret in planted.items() if secret.encode() in text
    ]
    assert found == []


def test_up_again_changes_nothing_and_says_the_same(team):
    before = team.here.run(*team.supervisorctl, "pid", "prefect").stdout
    ask_prefect(team, "PATCH", schedule(team)[1], json={"active": True})
    try:
        out = team.up().stdout
        assert schedule(team)[0]["active"]
    finally:  # it would start a pipeline beside the other tests if it is two at night
        ask_prefect(team, "PATCH", schedule(team)[1], json={"active": False})
    assert f"Prefect  http://127.0.0.1:{team.settings['FTN_PREFECT_PORT']}" in out
    assert team.here.run(*team.supervisorctl, "pid", "prefect").stdout == before
    status = team.here.python("-m", "stack", "status").stdout
    assert [line.split()[:2] for line in sorted(status.splitlines())] == [
        [name, "RUNNING"] for name in ("mlflow", "postgres", "prefect", "s3", "worker-default", "worker-gpu")
    ]


def test_a_taken_port_is_named_with_the_setting_that_moves_it(team, tmp_path):
    other = Team(tmp_path)
    other.settings = team.settings
    result = other.up(check=False)
    assert result.returncode == 2
    port = team.settings["FTN_POSTGRES_PORT"]
    assert f"port {port}, for postgres, is taken by another program: end it, or set FTN_POSTGRES_PORT" in result.stdout
    assert other.here.python("-m", "stack", "status", check=False).returncode == 2


def test_without_the_password_access_is_denied(team):
    mlflow_at, prefect_at = team.env["MLFLOW_TRACKING_URI"], team.env["PREFECT_API_URL"]
    assert requests.get(f"{mlflow_at}/api/2.0/mlflow/experiments/get?experiment_id=0").status_code == 401
    assert requests.post(f"{prefect_at}/deployments/count").status_code == 401
    wrong = {"PREFECT_API_AUTH_STRING": "ftn:planted-other", "MLFLOW_TRACKING_PASSWORD": "planted-other"}
    lines = team.here.python("-m", "stack.check", check=False, **team.settings, **wrong).stdout.splitlines()
    for line, setting in zip(lines[1:3], ("MLFLOW_TRACKING_USERNAME", "PREFECT_API_AUTH_STRING"), strict=True):
        assert line.startswith("FAILED") and f"ours is missing or wrong: {setting}" in line


def all_ports_are_documented_and_closed(team, bind):
    table, found = documented(team.settings | {"FTN_BIND": bind}), listening(team.supervisor)
    assert found.keys() == table.keys()
    assert [let for where, key in table.items() for port in found[where] for let in let_in(where[1], port, key)] == []
    assert writable_sockets(team.supervisor) == []


def test_each_port_is_in_the_docs_and_lets_nobody_in_without_its_key(team):
    all_ports_are_documented_and_closed(team, "127.0.0.1")


def test_foreign_pages_do_not_reach_prefect_and_mlflow(team):
    """Not even with the password, which a browser may know; under another name neither (DNS rebinding)."""
    asked = {
        f"{team.env['PREFECT_API_URL']}/deployments/count": (400, {}),
        f"{team.env['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/experiments/search": (403, {"max_results": 1}),
    }
    for url, (wrong_name, content) in asked.items():
        port = url.split("/")[2].split(":")[1]

        def post(url=url, content=content, **headers):
            return requests.post(url, json=content, auth=team.login, headers=headers).status_code

        assert post() == post(Origin=f"http://127.0.0.1:{port}") == 200
        assert post(Host=f"localhost:{port}", Origin=f"http://localhost:{port}") == 200
        assert post(Host=f"pictures.example:{port}") == wrong_name
        assert post(Origin="http://pictures.example") == 403
    socket = f"{team.env['PREFECT_API_URL'].replace('http', 'ws')}/events/in"
    for options in ({}, {"subprotocols": ["prefect"]}, {"origin": "http://pictures.example"}):
        with pytest.raises(WebSocketException), connect(socket, **options) as events:
            events.send("{}")
            events.recv(timeout=10)


def test_a_request_for_a_run_cannot_choose_command_folder_or_environment(team):
    api = team.env["PREFECT_API_URL"]
    deployment = ask_prefect(team, "GET", "deployments/name/stage/stage-default")["id"]
    for wish in ({"command": "id"}, {"working_dir": "/"}, {"env": {"LD_PRELOAD": "x"}}, {"env.LD_PRELOAD": "x"}):
        answer = requests.post(
            f"{api}/deployments/{deployment}/create_flow_run",
            auth=team.login,
            json={"parameters": {"name": "prepare"}, "job_variables": wish},
        )
        assert (answer.status_code, "was unexpected" in answer.text) == (422, True)


def test_prefect_s_page_asks_the_server_that_it_comes_from_and_for_the_password(team):
    found = requests.get(f"http://localhost:{team.settings['FTN_PREFECT_PORT']}/ui-settings").json()
    assert (found["api_url"], found["auth"]) == ("/api", "BASIC")


def test_what_runs_here_is_checked_without_any_setting(team):
    everything_works(team)


def everything_works(team):
    lines = team.here.python("-m", "stack.check", **team.settings).stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "ok     DVC remote", "ok     MLflow", "ok     Prefect", "ok     PostgreSQL",
    ]  # fmt: skip
    for line, end in zip(lines, ("versioned", "artifacts too", "the login is right", "prefect is there"), strict=True):
        assert line.endswith(end)


def test_a_gpu_has_one_stage_at_a_time(team):
    """Needs no GPU: only the slots are tested."""
    make = "from stack.worker import _make_slots; _make_slots(['7'])"
    team.here.python("-c", make, **team.env)
    both = [team.here.start(team.here.interpreter, "-c", SLOT, **team.env, FTN_GPUS="7") for _ in range(2)]
    lines = [process.communicate(timeout=120)[0].splitlines() for process in both]
    ends = [line.split() for out in lines for line in out if line.startswith("held ")]
    assert [words[:2] for words in ends] == [["held", "7"]] * 2
    (_, first), (second, _) = sorted((float(words[2]), float(words[3])) for words in ends)
    assert second >= first


def test_data_survive_a_restart_on_another_address_with_another_password(team):
    count = "import mlflow; print(len(mlflow.MlflowClient().search_experiments()))"
    before = team.here.python("-c", count, **team.env).stdout
    secrets = [path.read_text() for path in sorted((team.here.root / ".ftn/stack/secrets").iterdir())]
    team.down()
    assert team.here.python("-m", "stack", "status", check=False).stdout.strip() == "status: nothing runs here: make up"
    checked = team.here.python("-m", "stack.check", check=False).stdout
    assert "ok     DVC remote: nothing configured" in checked  # not the server that has just been stopped
    team.settings |= {"FTN_BIND": "127.0.0.2", "FTN_AUTH": "ftn:another-password"}
    team.up()
    assert team.login == ("ftn", "another-password")
    assert team.here.python("-c", count, **team.env).stdout == before
    assert [path.read_text() for path in sorted((team.here.root / ".ftn/stack/secrets").iterdir())] == secrets
    everything_works(team)
    all_ports_are_documented_and_closed(team, "127.0.0.2")
