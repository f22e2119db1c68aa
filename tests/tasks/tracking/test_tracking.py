"""Metrics outlive a server that is killed, slow or not there, and a stage that is killed."""

import os
import resource
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import mlflow
import psutil
import pytest
import yaml
from forked_python import forked_python
from mlflow_server import MlflowServer
from ports import free_ports
from project import ROOT
from sandbox import Sandbox

from registry.server import redact, store_name, without_credentials

SCRIPT = textwrap.dedent("""
    import sys
    from pathlib import Path
    from tasks.tracking.mlflow_tracker import track
    with track(sys.argv[1], round) as tracker:
        print("open", flush=True)
        for line in sys.stdin:
            tracker.metrics({"loss": 1 / (1 + int(line)), "psnr": int(line)}, int(line))
            print(int(line), flush=True)
        tracker.tag("note", "late")
        picture = Path("picture.txt")
        picture.write_text("as it was")
        tracker.artifact(picture)
        picture.unlink()
""")


class Project:
    """A project of two stages that the test drives: each line of their input is a step."""

    def __init__(self, root: Path, uri: str | None = None) -> None:
        self.root = root
        (root / ".dvc").mkdir(parents=True)
        (root / ".dvc/config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
        (root / "dvc.yaml").write_text("stages: {work: {cmd: work, params: [lr]}, other: {cmd: other}}")
        (root / "params.yaml").write_text("lr: 0.5\n")
        (root / "work.py").write_text(SCRIPT)
        clean = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")}
        self.env = clean | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        self.uri = uri or f"sqlite:///{root}/mlflow.db"
        if uri:
            self.env["MLFLOW_TRACKING_URI"] = uri

    def start(self, stage: str = "work", *, to_be_killed: bool = False) -> subprocess.Popen[str]:
        """A stage; one that is killed with its uploader must be its parent."""
        python = sys.executable if to_be_killed else forked_python()
        process = subprocess.Popen(
            [python, "work.py", stage], cwd=self.root, env=self.env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout.readline() == "open\n", process.stderr.read()
        return process

    def run(self, steps: range, stage: str = "work") -> str:
        """A whole stage; returns its stderr."""
        process = self.start(stage)
        record(process, steps)
        return finish(process)

    def upload(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        command = [forked_python(), "-m", "tasks.tracking", *arguments]
        return subprocess.run(command, cwd=self.root, env=self.env | env, capture_output=True, text=True)

    def journals(self) -> list[Path]:
        return sorted(self.root.glob(".ftn/tracking/*"))

    def runs(self, stage: str = "work", uri: str | None = None):
        client = mlflow.MlflowClient(uri or self.uri)
        experiment = client.get_experiment_by_name("ftn")
        return client.search_runs([experiment.experiment_id], f"tags.`ftn.stage` = '{stage}'") if experiment else []

    def check(self, steps: range, status: str, uri: str | None = None) -> str:
        """There is one run, with this status and each of the steps once. Returns its id."""
        (run,) = self.runs(uri=uri)
        client = mlflow.MlflowClient(uri or self.uri)
        assert run.info.status == status
        for key in ("loss", "psnr"):
            history = client.get_metric_history(run.info.run_id, key)
            assert sorted(metric.step for metric in history) == list(steps)
        assert run.data.params == {"lr": "0.5"}
        if status == "FINISHED":
            assert run.data.tags["note"] == "late"
            assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["picture.txt"]
        return run.info.run_id


def record(process: subprocess.Popen[str], steps: range) -> None:
    for step in steps:
        process.stdin.write(f"{step}\n")
        process.stdin.flush()
        assert process.stdout.readline() == f"{step}\n"


def finish(process: subprocess.Popen[str]) -> str:
    stderr = process.communicate(timeout=120)[1]
    assert process.returncode == 0, stderr
    return stderr


def kill(process: subprocess.Popen[str], *, uploader: bool) -> None:
    """As the kernel does when memory runs out, or, with the uploader, as a machine that loses power."""
    uploaders = psutil.Process(process.pid).children()
    assert len(uploaders) == 1
    for victim in [*(uploaders if uploader else []), process]:
        victim.send_signal(signal.SIGKILL)
    process.wait()
    process.communicate()


def wait_for(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = MlflowServer(tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch):
    """For the tests' own client."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")


def test_a_server_killed_in_the_middle_gets_everything_once_it_is_back(tmp_path, server):
    project = Project(tmp_path / "project", server.uri)
    process = project.start()
    record(process, range(5))
    wait_for(lambda: project.runs() and "psnr" in project.runs()[0].data.metrics)
    server.kill()
    try:
        record(process, range(5, 400))  # as hours of training would: nothing waits
        line = process.stderr.readline()
        assert line.startswith(f"work: MLflow at {server.uri} takes nothing (")
    finally:
        server.start()
    assert process.stderr.readline() == f"work: MLflow at {server.uri} takes records again\n"
    record(process, range(400, 410))
    assert finish(process) == ""
    project.check(range(410), "FINISHED")
    assert project.journals() == []


def test_without_a_server_a_stage_ends_well_and_is_uploaded_later(tmp_path, server):
    absent = f"127.0.0.1:{free_ports(1)[0]}"
    project = Project(tmp_path / "project", f"http://user:secret@{absent}/")
    start = time.monotonic()
    lines = project.run(range(3)).splitlines()
    assert time.monotonic() - start < 40
    (journal,) = project.journals()
    assert len(lines) == 2 and f"http://{absent}/ takes nothing" in lines[0]
    assert str(journal.parent.relative_to(project.root)) in lines[1] and "`make upload`" in lines[1]

    failed = project.upload()
    assert failed.returncode == 2 and len(failed.stderr.splitlines()) == 1
    assert f"http://{absent}/ does not answer" in failed.stderr
    texts = [*lines, failed.stderr, journal.read_text()]
    assert not any("secret" in text for text in texts)

    elsewhere = project.upload(MLFLOW_TRACKING_URI=server.uri)
    assert elsewhere.returncode == 0 and f"1 more are for MLflow at http://{absent}/" in elsewhere.stdout
    assert "`python -m tasks.tracking --redirect`" in elsewhere.stdout
    uploaded = project.upload("--redirect", MLFLOW_TRACKING_URI=server.uri)
    assert uploaded.stdout.startswith("work: ") and "the run ended FINISHED" in uploaded.stdout, uploaded.stderr
    assert "nothing" in project.upload("--redirect", MLFLOW_TRACKING_URI=server.uri).stdout
    runs = [run for run in project.runs(uri=server.uri) if run.data.params == {"lr": "0.5"}]
    assert len(runs) == 1  # the test above has the same stage: its run is used again
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_a_killed_stage_ends_killed_and_its_rerun_uses_its_run(tmp_path):
    project = Project(tmp_path / "project")
    process = project.start(to_be_killed=True)
    record(process, range(2))
    kill(process, uploader=False)
    wait_for(lambda: not project.journals())
    run = project.check(range(2), "KILLED")

    process = project.start(to_be_killed=True)
    record(process, range(1, 4))
    kill(process, uploader=True)
    assert len(project.journals()) == 1
    assert "the run ended KILLED" in project.upload().stdout
    assert project.check(range(4), "KILLED") == run

    process = project.start(to_be_killed=True)
    record(process, range(2, 5))
    kill(process, uploader=True)
    assert project.run(range(4, 8)) == ""  # uploads first what the killed one left
    assert project.check(range(8), "FINISHED") == run
    assert project.journals() == []


def test_any_stage_uploads_what_another_left_but_not_what_another_still_records(tmp_path):
    project = Project(tmp_path / "project")
    process = project.start(to_be_killed=True)
    record(process, range(2))
    kill(process, uploader=True)
    for _ in range(3):  # a stage spends seconds on others' journals, and a busy machine needs more
        assert project.run(range(1), "other") == ""
        if not project.journals():
            break
    project.check(range(2), "KILLED")

    process = project.start()
    assert "nothing" in project.upload().stdout
    record(process, range(3))
    finish(process)
    project.check(range(3), "FINISHED")


def test_a_server_that_accepts_and_never_answers_holds_a_stage_for_seconds(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        project = Project(tmp_path / "project", f"http://127.0.0.1:{silent.getsockname()[1]}")
        project.env["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "2"
        process = project.start()
        record(process, range(100))
        start = time.monotonic()
        stderr = finish(process)
        assert time.monotonic() - start < 40
        assert "takes nothing" in stderr and len(project.journals()) == 1


def test_a_stage_that_imports_mlflow_finds_it_configured(tmp_path):
    project = Project(tmp_path / "project")
    (project.root / "work.py").write_text(
        "from tasks.tracking.mlflow_tracker import track\nimport os\n"
        "with track('work', round):\n    print(os.environ['MLFLOW_DISABLE_TELEMETRY'])\n"
    )
    env = project.env | {"MLFLOW_RUN_ID": "0"}  # MLflow would log to that run
    printed = subprocess.check_output([forked_python(), "work.py"], cwd=project.root, env=env, text=True)
    assert printed == "true\n" and [run.info.status for run in project.runs()] == ["FINISHED"]


def test_registering_without_a_server_or_without_tracking_is_refused_in_one_line(tmp_path):
    sandbox = Sandbox(tmp_path / "project")
    deps = yaml.safe_load((sandbox.root / "dvc.yaml").read_text())["stages"]["register"]["deps"]
    for path in deps:
        if path.startswith(("data/", "models/", "results/")):
            (sandbox.root / path).parent.mkdir(parents=True, exist_ok=True)
            (sandbox.root / path).write_text("{}")
    absent = f"127.0.0.1:{free_ports(1)[0]}"
    result = sandbox.python("-m", "tasks", "register", check=False, MLFLOW_TRACKING_URI=f"http://user:secret@{absent}")
    assert result.returncode == 2
    (line,) = result.stdout.splitlines()
    assert line.startswith(f"register: MLflow at http://{absent} does not answer") and "MLFLOW_TRACKING_URI" in line
    result = sandbox.python("-m", "tasks", "register", check=False, FTN_TRACKING="off")
    assert result.returncode == 2
    assert result.stdout == "register: a model is registered in MLflow, and FTN_TRACKING is off: unset it\n"


@pytest.fixture
def client(tmp_path, monkeypatch):
    """A client of the SQLite store in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    from registry import server

    uri = mlflow.get_tracking_uri()
    yield server.mlflow_client()
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)


def leave_journal(*records: tuple[str, dict[str, object]], address: str | None = None) -> Path:
    """The journal of a stage that is gone."""
    from tasks.tracking.journal import Journal

    journal = Journal.create()
    journal.append(
        "open", address=address or store_name(), stage="work", identity="abc", params={"a": {"b": 1}},
        data={"data/x": "0123"}, tags={"ftn.stage": "work"},
    )  # fmt: skip
    for kind, values in records:
        journal.append(kind, **values)
    journal.close()
    return journal.path


def only_run(client):
    (run,) = client.search_runs([client.get_experiment_by_name("ftn").experiment_id])
    return run


def steps(client, key: str) -> list[tuple[int, float]]:
    return [(m.step, m.value) for m in client.get_metric_history(only_run(client).info.run_id, key)]


def test_publishing_twice_doubles_nothing(client):
    from tasks.tracking.publish import publish_left

    metrics = [
        ("metrics", {"values": {"loss": 1.0 / (1 + step), "nan": float("nan")}, "step": step}) for step in (0, 1)
    ]
    path = leave_journal(*metrics, ("file", {"name": "figure.png", "data": "cG5n"}), ("end", {"status": "FINISHED"}))
    text = path.read_text()
    assert publish_left(path).status == "FINISHED" and not path.exists()
    path.write_text(text)  # as if the uploader had been killed before it removed the journal
    assert publish_left(path).status == "FINISHED"
    run = only_run(client)
    assert run.info.status == "FINISHED" and run.data.params == {"a.b": "1"}
    assert steps(client, "loss") == [(0, 1.0), (1, 0.5)] and len(steps(client, "nan")) == 2
    assert len(run.inputs.dataset_inputs) == 1
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["figure.png"]


def test_what_mlflow_refuses_costs_only_itself(client):
    from tasks.tracking.publish import publish_left

    path = leave_journal(("metrics", {"values": {"loss": 1.0, "not, allowed": 1.0, "psnr": 2.0}, "step": 0}))
    publication = publish_left(path)
    assert publication.status == "KILLED" and list(publication.refused) == ["not, allowed"]
    assert only_run(client).data.metrics == {"loss": 1.0, "psnr": 2.0}


def test_a_journal_has_one_publisher_and_waits_for_its_stage(client):
    from tasks.tracking.journal import Journal
    from tasks.tracking.publish import publish_left

    journal = Journal.create()
    assert publish_left(journal.path) is None and journal.path.exists()
    assert list(journal.path.parent.iterdir()) == [journal.path]  # it had no other name, under which a kill leaves it
    journal.close()  # killed before its first record
    publish_left(journal.path)
    assert not journal.path.exists() and publish_left(journal.path) is None
    assert client.get_experiment_by_name("ftn") is None


def test_a_late_journal_does_not_undo_a_newer_execution(client):
    from tasks.tracking.publish import publish_left

    late = leave_journal(("metrics", {"values": {"loss": 2.0}, "step": 7}))
    publish_left(leave_journal(("end", {"status": "FINISHED"})))
    assert publish_left(late).status == "KILLED"
    assert only_run(client).info.status == "FINISHED" and steps(client, "loss") == [(7, 2.0)]


def test_two_machines_that_create_the_experiment_at_once_end_with_one(client):
    from tasks.tracking import runs

    experiment = client.create_experiment("ftn")

    class Slow:
        """A machine that searches before the other one has created what it searches for."""

        def __init__(self):
            self.searched = set()

        def __getattr__(self, name):
            return getattr(client, name)

        def get_experiment_by_name(self, name):
            first = not self.searched
            self.searched.add(name)
            return None if first else client.get_experiment_by_name(name)

    assert runs._experiment(Slow()) == experiment


def test_stages_at_once_share_a_store_that_is_not_there_yet(tmp_path):
    project = Project(tmp_path / "project")
    stages = [project.start(stage) for stage in ("work", "other")]
    for process in stages:
        record(process, range(3))
    assert [finish(process) for process in stages] == ["", ""]
    project.check(range(3), "FINISHED")
    assert [run.info.status for run in project.runs("other")] == ["FINISHED"]


def test_on_a_full_disk_a_stage_goes_on_says_so_once_and_loses_only_what_does_not_fit(tmp_path, monkeypatch, capsys):
    from tasks.tracking.journal import Journal

    monkeypatch.chdir(tmp_path)
    journal = Journal.create()
    journal.append("open", stage="work")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.path.stat().st_size + 20, limits[1]))
    try:
        for step in range(3):
            journal.append("metrics", values={"loss": 1.0}, step=step)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert '"kind": "met' in journal.path.read_text().splitlines()[-1]  # torn
    journal.append("end", status="FINISHED")
    assert [read["kind"] for read in journal.read(0)[0]] == ["open", "end"]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(str(journal.path)) and line.endswith("What is recorded now is lost")


@pytest.mark.parametrize(
    ("uri", "redacted"),
    [
        ("http://user:p%40w@host:5000/path", "http://host:5000/path"),
        ("postgresql://u:pw@db/mlflow?password=pw", "postgresql://db/mlflow"),
        ("sqlite:////a/mlflow.db", "sqlite:////a/mlflow.db"),
        ("databricks", "databricks"),
    ],
)
def test_an_address_is_printed_without_its_secrets(uri, redacted, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert without_credentials(uri) == redacted
    assert redact(f"API request to {uri}/api failed") == f"API request to {redacted}/api failed"


def test_a_url_in_the_parameters_is_recorded_without_its_secrets(tmp_path):
    project = Project(tmp_path / "project")
    (project.root / "params.yaml").write_text("lr: https://user:secret@host/a.zip?X-Amz-Signature=secret\n")
    process = project.start()
    assert b"secret" not in b"".join(path.read_bytes() for path in project.journals())
    record(process, range(2))
    finish(process)
    (run,) = project.runs()
    assert run.data.params == {"lr": "https://***@host/a.zip?***"}


def test_the_query_of_mlflows_address_is_in_no_output(tmp_path):
    project = Project(tmp_path / "project", f"http://127.0.0.1:{free_ports(1)[0]}/mlflow?token=secret")
    process = project.start()
    record(process, range(2))
    out, err = process.communicate()
    assert "MLflow" in out + err and "secret" not in out + err
    files = [path for path in project.root.rglob("*") if path.is_file()]
    assert files and not [path for path in files if b"secret" in path.read_bytes()]


def test_a_journal_that_is_taken_for_one_left_before_it_is_locked_is_made_anew(tmp_path, monkeypatch):
    from tasks.tracking import journal

    monkeypatch.chdir(tmp_path)
    real, taken = journal.fcntl.flock, []

    def another_is_faster(descriptor, how):
        if not taken:
            (path,) = journal.JOURNALS.iterdir()
            taken.append(path)
            path.unlink()
        real(descriptor, how)

    with monkeypatch.context() as patch:
        patch.setattr(journal.fcntl, "flock", another_is_faster)
        made = journal.Journal.create()
    assert [made.path] == list(journal.JOURNALS.absolute().iterdir()) and made.path.name != taken[0].name
    made.append("open", stage="work")
    assert made.opening["stage"] == "work"
    made.close()
