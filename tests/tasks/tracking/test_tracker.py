"""What a tracker records of a stage, and that a stage writes the same bytes without it."""

import mlflow
import pytest
import yaml
from sandbox import Sandbox

from ftn_core.parameters.quantities import QUALITY, SCALE, SIGMA, objective
from tasks.tracking.journal import Journal
from tasks.tracking.tracker import Tracker


@pytest.mark.parametrize(
    ("quantity", "level", "step"),
    [(SIGMA, 0.2, 51), (SIGMA, 0.5, 128), (QUALITY, 40, 40), (SCALE, 1.5, 150), (objective("a", "b"), 1, 100)],
)
def test_the_step_of_a_level_is_a_number_that_people_know(tmp_path, monkeypatch, quantity, level, step):
    monkeypatch.chdir(tmp_path)
    journal = Journal.create()
    Tracker("evaluate@ftn", tmp_path / "state", quantity.step_of, journal).at_level(level, {"psnr": 30})
    ((record,), _) = journal.read(0)
    assert (record["kind"], record["values"], record["step"]) == ("metrics", {"psnr": 30.0}, step)


def test_a_tracker_without_a_journal_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tracker = Tracker("train_base", tmp_path / "state", SIGMA.step_of)
    tracker.metrics({"loss": 1.0}, 1)
    tracker.at_level(0.2, {"psnr": 30.0})
    tracker.tag("key", "value")
    tracker.artifact(tmp_path / "no-such-file")
    tracker.figure("A figure", b"png")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    """A project with a training and an evaluation, both tracked."""
    sandbox = Sandbox(tmp_path_factory.mktemp("tracked") / "project")
    sandbox.dvc("repro", "evaluate@ftn")
    return sandbox


@pytest.mark.parametrize("stage", [("train_base",), ("finetune", "ftn", "0.5"), ("evaluate", "ftn")], ids=" ".join)
def test_tracking_on_and_off_give_the_same_bytes(tracked, stage):
    before, runs = tracked.outputs(), metrics(tracked)
    written = outs(tracked, stage)
    for path in written:
        path.unlink()
    tracked.python("-m", "tasks", *stage, FTN_TRACKING="off")
    assert all(path.exists() for path in written) and len(written) > 1
    assert tracked.outputs() == before
    assert metrics(tracked) == runs and not list((tracked.root / ".ftn/tracking").iterdir())


def outs(sandbox: Sandbox, stage: tuple[str, ...]):
    name, *values = stage
    lock = yaml.safe_load((sandbox.root / "dvc.lock").read_text())["stages"]
    return [sandbox.root / out["path"] for out in lock["@".join([name, "-".join(values)]).rstrip("@")]["outs"]]


def metrics(sandbox: Sandbox) -> dict[str, tuple[int, dict[str, float]]]:
    """By run when it ended and what it has."""
    client = mlflow.MlflowClient(sandbox.tracking_uri)
    found = client.search_runs([client.get_experiment_by_name("ftn").experiment_id], max_results=1000)
    return {run.info.run_id: (run.info.end_time, run.data.metrics) for run in found}
