from pathlib import Path
from types import SimpleNamespace

import pytest

from flows import artifacts


@pytest.fixture
def created(monkeypatch):
    """Markdown artifacts by key, instead of a server."""
    made = {}
    monkeypatch.setattr(artifacts, "create_markdown_artifact", lambda text, key, **_: made.__setitem__(key, text))
    return made


def test_table_is_shown_only_by_the_run_that_brought_it_up_to_date(created, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("results").mkdir()
    Path("results/table.md").write_text("| psnr |")
    artifacts.show_results(["data/degraded"])
    assert created == {}
    artifacts.show_results(["data/degraded", "results"])
    assert created == {"results": "| psnr |"}


def test_verdict_is_shown_by_the_run_that_brought_it_up_to_date(created, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("results").mkdir()
    Path("results/verdict.md").write_text("| rule |")
    artifacts.show_results(["results/registered.json", "results/verdict.md"])
    assert created == {"verdict": "| rule |"}


def test_links_lead_to_the_newest_run_of_each_stage(created, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    artifacts.show_mlflow_runs(["prepare"])
    assert created == {}
    assert not Path("mlflow.db").exists()

    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.create_experiment("ftn")
    client.create_run(experiment, start_time=1, tags={"ftn.stage": "finetune@ftn-0.5"})
    newest = client.create_run(experiment, start_time=2, tags={"ftn.stage": "finetune@ftn-0.5"}).info.run_id
    artifacts.show_mlflow_runs(["prepare", "finetune@ftn-0.5"])
    page, end = f"http://127.0.0.1:5000/#/experiments/{experiment}/runs", "?workflowType=machine_learning"
    assert created["mlflow-runs"].splitlines()[2:] == [
        f"| finetune@ftn-0.5 | [{newest}]({page}/{newest}{end}) |", f"| all runs | [ftn]({page}{end}) |"
    ]  # fmt: skip


def test_progress_is_thinned_and_a_dead_server_does_not_end_the_stage(monkeypatch):
    calls, warnings = [], []
    monkeypatch.setattr(artifacts, "create_progress_artifact", lambda p, key, **_: calls.append((key, p)) or 7)
    monkeypatch.setattr(artifacts, "update_progress_artifact", lambda i, p: calls.append((i, p)))
    monkeypatch.setattr(artifacts, "get_run_logger", lambda: SimpleNamespace(warning=warnings.append))
    progress = artifacts.ProgressArtifact("finetune@ftn-0.5")
    for percent in (0.0, 1.0, 2.0):
        progress(percent)
    progress.finish()
    assert calls == [("progress-finetune-ftn-0-5", 0.0), (7, 100.0)]

    def fail(*_, **__):
        raise ConnectionError("no server")

    monkeypatch.setattr(artifacts, "create_progress_artifact", fail)
    progress = artifacts.ProgressArtifact("evaluate")
    progress(1.0)
    progress(2.0)
    progress.finish()
    assert len(warnings) == 1
    assert "no server" in warnings[0]
