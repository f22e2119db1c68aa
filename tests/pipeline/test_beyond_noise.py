"""Other tasks than noise through the same graph: levels that fall, and the dial of an objective."""

import json

import mlflow
import pytest
from sandbox import Sandbox
from style import STYLE

from ftn_core.data.store import Store
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.evaluation.records.evaluation import Evaluation


@pytest.fixture(scope="module")
def jpeg(tmp_path_factory):
    """JPEG from quality 40 down to 10."""
    changes = {
        "degradation": [{"name": "jpeg", "quality": "level"}],
        "data.levels": [80, 40, 20, 10],
        "levels.base": 40,
        "levels.adapted": [10],
        "levels.from_scratch": [10],
        "levels.lines": [10],
        "register.row": "line-10",
    }
    sandbox = Sandbox(tmp_path_factory.mktemp("jpeg") / "project", **changes)
    sandbox.untracked("finetune")
    sandbox.dvc("repro", "calibrate@ftn")
    sandbox.untracked("report")
    sandbox.python("-m", "flows.repro")
    return sandbox


@pytest.fixture(scope="module")
def style(tmp_path_factory):
    """From one style to another."""
    sandbox = Sandbox(tmp_path_factory.mktemp("style") / "project", **STYLE)
    sandbox.untracked("report")
    return sandbox


def test_levels_may_fall(jpeg):
    denoiser = ContinuousDenoiser.load(jpeg.root / "models/denoisers/ftn.safetensors")
    assert denoiser.trained == [40, 10] and denoiser.task.quantity.name == "quality"
    assert [level for level, _ in denoiser.dial] == [100, 40, 20, 10]
    assert 0 <= denoiser.position(20) <= 1 and denoiser.position(70) == -0.5 and denoiser.position(5) == 1
    assert [reach for reach, _ in denoiser.blend] == sorted(reach for reach, _ in denoiser.blend) and denoiser.blend


def test_a_line_is_trained_on_stored_levels_that_fall(jpeg):
    line = ContinuousDenoiser.load(jpeg.root / "models/denoisers/line-10.safetensors")
    assert line.trained == [40, 10] and [level for level, _ in line.dial] == [100, 40, 20, 10]
    assert set(Evaluation.read(jpeg.root / "results/methods/line-10.json").scores) == {80, 40, 20, 10}
    assert "\n| line-10 |" in (jpeg.root / "results/table.md").read_text()


def test_a_line_can_be_the_registered_model(jpeg):
    client = mlflow.MlflowClient(jpeg.tracking_uri)
    tags = client.get_model_version("ftn-denoiser", "1").tags
    assert tags["ftn.method"] == "line-10" and json.loads(tags["ftn.levels"]) == [40, 10]
    assert "trained as `line-10` at all levels" in (jpeg.root / "results/card.md").read_text()
    script = (
        "import mlflow, numpy as np; model = mlflow.pyfunc.load_model('models:/ftn-denoiser/1'); "
        "x = np.full((1, 20, 30, 3), 0.5, np.float32); "
        "print(model.predict(x, params={'quality': 20}).shape)"
    )
    out = jpeg.python("-c", script, MLFLOW_TRACKING_URI=jpeg.tracking_uri).stdout
    assert out.strip().endswith("(1, 20, 30, 3)")


def test_what_is_not_noise_lies_on_disk_in_eight_bits(jpeg):
    stored = Store(jpeg.root / "data/degraded/20/train")
    assert len(stored) == 2 and stored[0].dtype == "uint8"


def test_table_and_registry_speak_of_quality(jpeg):
    table = (jpeg.root / "results/table.md").read_text()
    assert "| PSNR in dB at quality | 80* | 40 | 20* | 10 |" in table and "non-local means" not in table
    assert "quality" in (jpeg.root / "results/verdict.md").read_text()
    assert json.loads((jpeg.root / "results/registered.json").read_text())["version"] == "1"


def test_the_step_of_a_quality_is_the_quality(jpeg):
    client = mlflow.MlflowClient(jpeg.tracking_uri)
    experiment = client.get_experiment_by_name("ftn").experiment_id
    (run,) = client.search_runs([experiment], "tags.`ftn.stage` = 'calibrate@ftn'")
    assert sorted(m.step for m in client.get_metric_history(run.info.run_id, "dial")) == [10, 20, 40, 100]


def test_levels_of_another_task_are_removed_and_nothing_runs_again(jpeg):
    for name in ("data/degraded/30/test", "models/adapted/ftn/2"):
        (jpeg.root / name).mkdir(parents=True)
    out = jpeg.python("-m", "flows.repro").stdout
    assert "data/degraded/30: no stage makes it any more" in out and not (jpeg.root / "data/degraded/30").exists()
    assert "Running stage" not in out and not (jpeg.root / "models/adapted/ftn/2").exists()
    assert (jpeg.root / "data/degraded/20").exists()


def test_the_dial_goes_from_one_style_to_the_other(style):
    denoiser = ContinuousDenoiser.load(style.root / "models/denoisers/ftn.safetensors")
    assert denoiser.task.quantity.ends == ("mosaic", "strokes") and denoiser.dial == [(0, 0), (1, 1)]
    assert "1 (strokes)" in (style.root / "results/table.md").read_text()


def test_the_report_sets_the_objective_beside_the_pixels(style):
    points = Evaluation.read(style.root / "results/methods/ftn.json").grid
    assert all(point.objective is not None for point in points)
    assert "Perception and distortion" in (style.root / "results/report.html").read_text()


def test_a_style_that_cannot_be_read_is_named(style):
    path = style.root / "styles/strokes.jpg"
    kept = path.read_bytes()
    path.write_bytes(b"<html>")
    try:
        result = style.python("-m", "tasks", "loss", check=False)
    finally:
        path.write_bytes(kept)
    assert result.returncode == 2 and "styles/strokes.jpg cannot be used" in result.stdout
