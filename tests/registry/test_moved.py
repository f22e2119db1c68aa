"""A project's own store after the project was moved or copied, with a real MLflow."""

import os
import re
import shutil
import subprocess

import mlflow
import pytest
from forked_python import forked_python
from project import ROOT
from small_denoiser import small_denoiser
from small_registry import package_denoiser

from flows.door import enter as enter_door
from ftn_core.utils.errors import UserError
from ftn_core.utils.project import PROJECT
from registry import server
from serving.load import load_denoiser
from tasks.tracking.runs import StageRun

NAME = "mine: a #%41&é b"
"""A folder with every character that an address could read otherwise."""


@pytest.fixture
def enter(monkeypatch):
    """Work in a folder as a new process would: MLflow puts the address that it was given into the environment."""

    def enter(folder):
        monkeypatch.chdir(folder)
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    return enter


@pytest.fixture
def project(tmp_path, monkeypatch, enter, empty_store):
    """A project with a registered denoiser, in its own store."""
    root = tmp_path / NAME
    root.mkdir()
    shutil.copy(empty_store, root / "mlflow.db")
    small_denoiser(tmp_path / "d.safetensors")
    monkeypatch.chdir(root)
    opening = {"identity": "i", "stage": "s", "time": 0, "params": {}, "tags": {}, "data": {}}
    run = StageRun(opening, "1").id
    monkeypatch.setenv(PROJECT, str(root))
    monkeypatch.chdir(ROOT)  # the code that is packed is read from here
    with mlflow.start_run(run_id=run):
        model = package_denoiser(tmp_path / "d.safetensors")
    version = mlflow.register_model(model.model_uri, "ftn-denoiser").version
    mlflow.MlflowClient().set_registered_model_alias("ftn-denoiser", "champion", version)
    monkeypatch.delenv(PROJECT)
    enter(root)
    return root


def test_a_moved_project_reads_and_writes_its_own_files(project, enter):
    moved = project.rename(project.with_name("moved é #2"))
    project.mkdir()
    enter(moved)
    assert load_denoiser("champion").trained == [0.2, 0.5]
    run = StageRun({"identity": "i", "stage": "s", "time": 0, "params": {}, "tags": {}, "data": {}}, "2")
    run.log_file("note.txt", b"written after the move")
    assert [path.read_text() for path in moved.rglob("note.txt")] == ["written after the move"]
    assert not list(project.rglob("*"))


def test_a_copy_leaves_the_original_alone(project, enter):
    copy = project.with_name("copy")
    shutil.copytree(project, copy)
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*") if path.is_file()}
    (weights,) = copy.joinpath("mlartifacts").rglob("*.safetensors")
    weights.write_bytes(b"the copy's own")
    enter(copy)
    with pytest.raises(UserError, match="is no file of ftn's"):
        load_denoiser("champion")
    enter(project)
    assert load_denoiser("champion").trained == [0.2, 0.5]
    assert {path: path.stat().st_mtime_ns for path in project.rglob("*") if path in before} == before


def test_from_any_folder_ftn_uses_the_project_that_it_is_told(project, tmp_path, enter, monkeypatch):
    enter(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        load_denoiser("champion")
    monkeypatch.setenv(PROJECT, str(project))
    assert load_denoiser("champion").trained == [0.2, 0.5]


@pytest.mark.parametrize("copies", [".dvc/tmp/exps/tmp1", ".ftn/scratch/run"])
def test_a_run_in_a_temporary_copy_is_kept_in_the_project(project, enter, copies):
    (project / copies).mkdir(parents=True)
    enter(project / copies)
    assert server.local_store_uri() == f"sqlite:///{project}/mlflow.db"
    opening = {"identity": "of the experiment", "stage": "s", "time": 0, "params": {}, "tags": {}, "data": {}}
    StageRun(opening, "1").log_file("note.txt", b"kept")
    shutil.rmtree(project / copies)
    assert [path.read_text() for path in project.rglob("note.txt")] == ["kept"]


def test_a_folder_that_no_address_can_hold_is_refused_in_one_line_until_another_store_is_named(
    tmp_path, monkeypatch, client
):
    there = os.environ["MLFLOW_TRACKING_URI"]
    (tmp_path / "why?").mkdir()
    monkeypatch.chdir(tmp_path / "why?")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    refusal = f"MLflow cannot open {tmp_path}/why?/mlflow.db, for its '?': rename that folder, or set MLFLOW_TRACK"
    shutil.copy(ROOT / "params.yaml", ".")
    for module in ("flows.repro", "flows.gc", "registry.ui", "tasks.tracking"):
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        ended = subprocess.run([forked_python(), "-m", module], env=env, capture_output=True, text=True)
        assert (ended.returncode, ended.stdout) == (2, ""), module
        assert refusal in ended.stderr and ended.stderr.count("\n") == 1
    with pytest.raises(UserError, match=re.escape(refusal)):
        enter_door()  # the flow's, too
    monkeypatch.setenv("MLFLOW_TRACKING_URI", there)
    assert server.store_name() == there and server.mlflow_client().search_experiments()


@pytest.mark.parametrize("address", ["mlruns", "nonsense://x"])
def test_an_address_that_mlflow_does_not_take_is_one_line(tmp_path, monkeypatch, address):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(UserError, match=f"MLFLOW_TRACKING_URI is {address}") as error:
        server.mlflow_client().search_registered_models()
    assert "\n" not in str(error.value)


def test_a_deleted_experiment_is_named_with_the_way_back(client):
    deleted = client.create_experiment(server.EXPERIMENT)
    client.delete_experiment(deleted)
    opening = {"identity": "i", "stage": "s", "time": 0, "params": {}, "tags": {}, "data": {}}
    with pytest.raises(UserError, match=f"`mlflow experiments restore -x {deleted}` brings it back"):
        StageRun(opening, "1")
    client.restore_experiment(deleted)
    assert StageRun(opening, "1").find("i")


def test_what_is_to_be_done_for_a_registry_that_is_gone_is_what_does_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for make in ("repro", "register"):
        with pytest.raises(UserError, match=f"`make {make}` registers a model there"):
            load_denoiser("champion")
        (tmp_path / "results").mkdir(exist_ok=True)
        (tmp_path / "results/registered.json").touch()


def test_a_mistake_in_the_parameters_names_no_other_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text.replace("  model: ftn-denoiser", "  modle: ftn-dejpeg"))
    with pytest.raises(UserError, match=r"unknown key register\.modle, did you mean model"):
        server.model_name()
