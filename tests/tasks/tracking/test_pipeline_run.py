"""The pipeline's own run: what it carries, so that pipelines can be compared in MLflow's list."""

import os
import shutil
import time

import psutil
import pytest
from project import ROOT

from flows.door import enter
from tasks.identity import StageIdentity
from tasks.tracking.journal import Journal, journals, read_opening
from tasks.tracking.mlflow_tracker import BEGAN, PRESET, MlflowTracker


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "presets", tmp_path / "presets")
    monkeypatch.chdir(tmp_path)
    for name in (BEGAN, PRESET):
        monkeypatch.setenv(name, "")
    return tmp_path


def opening():
    """What the pipeline's run is opened with."""
    tags = {"ftn.stage": "report", "ftn.pipeline": "p", "ftn.commit": "c"}
    stage = {"stage": "report", "identity": "i", "tags": tags}
    tracker = MlflowTracker(StageIdentity("report", "i", "k", {}, {}), round, Journal.create(), stage)
    tracker.pipeline({"psnr/ftn/0.5": 24.5}, [])
    return read_opening(journals()[-1])


def test_it_has_preset_commit_parameters_and_lasts_from_the_door_on(project):
    before = time.time_ns() // 1_000_000
    enter()
    time.sleep(0.1)
    found = opening()
    assert found["tags"] == {
        "ftn.pipeline": "p", "ftn.commit": "c", "ftn.preset": "quick-cpu", "mlflow.source.name": "dvc repro"
    }  # fmt: skip
    assert found["stage"] == "pipeline" and found["params"]["train"]["steps"] == 1400
    assert before <= found["time"] <= time.time_ns() // 1_000_000 - 100
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("steps: 1400", "steps: 1401"))
    enter()
    assert "ftn.preset" not in opening()["tags"]


def test_an_experiment_s_lasts_from_the_start_of_dvc_on(monkeypatch):
    monkeypatch.setenv("DVC_STAGE", "report")
    assert opening()["time"] == int(psutil.Process(os.getppid()).create_time() * 1000)
