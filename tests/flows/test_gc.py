"""What ``python -m flows.gc`` lists and deletes, with DVC, Git and MLflow themselves."""

import subprocess

import mlflow
import pytest
from filelock import FileLock
from forked_python import forked_python

STAGE = "stages: {copy: {cmd: cp params.yaml out, deps: [params.yaml], outs: [out]}}\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of one stage that ran with four values: committed, an experiment, forgotten, and the present one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    run("git", "init", "-q")
    run("git", "config", "user.email", "t@t")
    run("git", "config", "user.name", "t")
    dvc("init", "-q")
    (tmp_path / "dvc.yaml").write_text(STAGE)
    (tmp_path / "params.yaml").write_text("value: 1\n")
    dvc("repro")
    run("git", "add", "-A")
    run("git", "commit", "-qm", "one")
    dvc("exp", "run", "-n", "two", "-S", "value=2")
    for value in (3, 4):
        (tmp_path / "params.yaml").write_text(f"value: {value}\n")
        dvc("repro")
    return tmp_path


def dvc(*arguments):
    run(forked_python(), "-m", "dvc", *arguments)


def run(*command, check=True):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done


def gc(*arguments):
    return run(forked_python(), "-m", "flows.gc", *arguments).stdout


def cached(project):
    files = (project / ".dvc" / "cache" / "files").rglob("*")
    return sorted(file.read_text() for file in files if file.is_file())


def artifacts(project):
    return {file.parents[1].name for file in (project / "artifacts").rglob("file.txt")}


ALL = [f"value: {value}\n" for value in (1, 2, 3, 4)]
KEPT = [ALL[0], ALL[1], ALL[3]]


def test_it_shows_then_deletes_what_nothing_uses(project):
    client = mlflow.MlflowClient()
    experiment = client.create_experiment("ftn", str(project / "artifacts"))
    deleted, registered, alive = (client.create_run(experiment).info.run_id for _ in range(3))
    for run_id in (deleted, registered, alive):
        client.log_text(run_id, "text", "file.txt")
    for run_id in (deleted, registered):
        client.delete_run(run_id)
    client.create_registered_model("m")
    client.create_model_version("m", str(project), registered)

    shown = gc()
    assert "DVC's cache: 1 files that nothing uses, 0.0 MB" in shown and "MLflow: 1 deleted runs" in shown
    assert "Nothing was deleted" in shown and cached(project) == ALL
    assert artifacts(project) == {deleted, registered, alive}

    assert "All of this is deleted" in gc("--delete")
    assert cached(project) == KEPT
    assert artifacts(project) == {registered, alive}
    with pytest.raises(mlflow.exceptions.MlflowException, match="not found"):
        client.get_run(deleted)
    shown = gc()
    assert "DVC's cache: 0 files" in shown and "MLflow: 0 deleted runs" in shown and "make gc" not in shown

    (project / "out").unlink()
    dvc("checkout")
    assert (project / "out").read_text() == ALL[3]
    dvc("exp", "apply", "two")
    assert (project / "out").read_text() == ALL[1]


def test_it_waits_for_no_worker_but_says_that_one_is_at_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".ftn" / "scratch").mkdir(parents=True)
    with FileLock(tmp_path / ".ftn" / "scratch" / "train.lock"):
        done = run(forked_python(), "-m", "flows.gc", "--delete", check=False)
    assert done.returncode == 2
    assert done.stderr == "gc: a worker runs a stage in .ftn/scratch/train: try again when it is done\n"


def test_a_folder_that_is_no_project_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(forked_python(), "-m", "flows.gc", check=False)
    assert done.returncode == 2 and done.stderr.startswith("gc: ") and len(done.stderr.splitlines()) == 1
