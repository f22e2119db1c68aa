"""The real pipeline at a small size, through both doors."""

import csv
import json
import shutil
import textwrap

import mlflow
import numpy as np
import pytest
import yaml
from kills import Killer, check
from prefect_database import make_database
from sandbox import Sandbox

from ftn_core.data.store import Store
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.evaluation.records.evaluation import Evaluation
from ftn_core.runtime.images import restore, to_image
from ftn_core.runtime.psnr import psnr

STAGES = [
    "prepare", "loss", "pretrained", "degraded@0.05", "degraded@0.2", "degraded@0.3", "degraded@0.5", "classical",
    "train_base", "finetune@ftn-0.5", "calibrate@ftn", "evaluate@ftn", "train_line@0.5", "calibrate_line@0.5",
    "evaluate_line@0.5", "evaluate_baselines", "costs", "filters", "report",
    "register",
]  # fmt: skip
"""Those that are runs in MLflow. Besides there is `method@ftn`, which copies a file."""
LEVELS = {"data.levels": [0.05, 0.2, 0.3, 0.5], "levels.lines": [0.5]}
"""One of them below the base's."""
TOTAL = len(STAGES) + 1


def stage_runs(sandbox):
    client = mlflow.MlflowClient(sandbox.tracking_uri)
    experiment = client.get_experiment_by_name("ftn")
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    return [run for run in runs if "ftn.stage" in run.data.tags], [r for r in runs if r.info.run_name == "pipeline"]


@pytest.fixture(scope="module")
def by_dvc(tmp_path_factory):
    """Killed at both doors, and then brought to its end by DVC's."""
    sandbox = Sandbox(tmp_path_factory.mktemp("a") / "project", **LEVELS)
    make_database(sandbox.prefect / "prefect.db")
    with Killer(sandbox, seed=9, longest=4) as killer:
        killer.until_done(kills=2)
        assert {name.split(",")[0] for name in killer.killed} == {"repro", "flow"}
        killer.wait_for_uploads()
    return sandbox


@pytest.fixture(scope="module")
def by_flow(tmp_path_factory):
    sandbox = Sandbox(tmp_path_factory.mktemp("b") / "project", **LEVELS)
    make_database(sandbox.prefect / "prefect.db")
    result = sandbox.python("-m", "flows.pipeline")
    assert f"{TOTAL} stages ran, 0 were cached" in result.stdout
    return sandbox


def test_both_doors_give_the_same_bytes_and_kills_leave_no_trace(by_dvc, by_flow):
    check(by_dvc, by_flow)
    a = by_dvc.outputs()
    for row in ("ftn", "line-0.5"):
        assert f"models/denoisers/{row}.safetensors" in a and f"results/methods/{row}.json" in a


def test_after_one_door_the_other_finds_nothing_to_do(by_dvc, by_flow):
    assert "Data and pipelines are up to date." in by_flow.dvc("repro")
    said = by_dvc.python("-m", "flows.pipeline").stdout  # and errors: its temporary server is stopped in silence
    assert f"0 stages ran, {TOTAL} were cached" in said and "next: `make demo`" in said
    assert "Traceback" not in said and "Error" not in said
    assert "Data and pipelines are up to date." in by_dvc.dvc("repro")


def test_below_the_base_noise_that_is_not_clipped_is_scored_as_the_library_restores_it(by_dvc):
    denoiser = ContinuousDenoiser.load(by_dvc.root / "models/denoisers/ftn.safetensors")
    assert denoiser.dial[:2] == [(0, -1), (0.2, 0)] and denoiser.position(0.05) == -0.75
    clean, noisy = (Store(by_dvc.root / f"data/{folder}/test") for folder in ("photographs", "degraded/0.05"))
    assert noisy[0].min() < 0 or noisy[0].max() > 1
    found = Evaluation.read(by_dvc.root / "results/methods/ftn.json")
    restored = restore(denoiser.fold(-0.75), to_image(noisy[0]))
    assert found.scores[0.05].psnr == pytest.approx(psnr(restored, to_image(clean[0])), abs=1e-4)
    assert found.ends == (0, 0.5) and min(point.position for point in found.grid) == -1
    given = psnr(to_image(noisy[0]), to_image(clean[0]))
    nothing = next(point for point in found.grid if (point.level, point.position) == (0.05, -1))
    assert nothing.psnr == pytest.approx(given, abs=1e-4)
    assert "| 0.05 (13)* |" in (by_dvc.root / "results/table.md").read_text()


@pytest.mark.parametrize("output", ["models/networks/base.safetensors", "data/degraded/0.3"])
def test_a_deleted_output_is_restored_and_not_recomputed(by_dvc, output):
    before, runs = by_dvc.outputs(), len(stage_runs(by_dvc)[0])
    path = by_dvc.root / output
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert "Running stage" not in by_dvc.dvc("repro")
    assert by_dvc.outputs() == before
    assert len(stage_runs(by_dvc)[0]) == runs


def test_every_stage_is_a_run_and_the_pipeline_is_one_with_its_results(by_dvc, by_flow):
    for sandbox in (by_dvc, by_flow):
        runs, (pipeline,) = stage_runs(sandbox)
        assert sorted(run.data.tags["ftn.stage"] for run in runs) == sorted(STAGES)
        assert {run.data.tags["ftn.pipeline"] for run in runs} == {pipeline.data.tags["ftn.pipeline"]}
        assert {run.info.status for run in [*runs, pipeline]} == {"FINISHED"}
        assert pipeline.data.params["train.steps"] == "30"
        assert pipeline.data.tags["mlflow.source.name"] == "dvc repro" and "ftn.preset" not in pipeline.data.tags
        longest = max(run.info.end_time - run.info.start_time for run in runs)
        assert sandbox is by_dvc or pipeline.info.end_time - pipeline.info.start_time > longest
        assert len(pipeline.data.tags["ftn.commit"]) == 40
        psnr = json.loads((sandbox.root / "results/metrics.json").read_text())["psnr"]
        assert pipeline.data.metrics == {f"psnr/{row}/{at}": v for row, of in psnr.items() for at, v in of.items()}
        files = mlflow.MlflowClient(sandbox.tracking_uri).list_artifacts(pipeline.info.run_id)
        assert {file.path for file in files} == {"table.md", "report.html"}


@pytest.mark.parametrize(("stage", "inputs"), [("train_base", 6), ("train_line@0.5", 5)])
def test_a_run_has_parameters_curve_data_and_system_metrics(by_dvc, stage, inputs):
    (run,) = (run for run in stage_runs(by_dvc)[0] if run.data.tags["ftn.stage"] == stage)
    assert run.data.params["train.steps"] == "30"
    assert run.data.metrics["val_score"] > 5
    assert run.data.tags["ftn.precision"].split()[0] in ("32-true", "bf16-mixed")
    client = mlflow.MlflowClient(by_dvc.tracking_uri)
    assert [m.step for m in client.get_metric_history(run.info.run_id, "loss")] == (
        [15, 30] if stage == "train_base" else [25, 50]
    )
    digests = {i.dataset.name: i.dataset.digest for i in run.inputs.dataset_inputs}
    lock = yaml.safe_load((by_dvc.root / "dvc.lock").read_text())["stages"][stage]
    expected = {d["path"]: d["md5"] for d in lock["deps"] if d["path"].startswith("data/")}
    assert digests == expected and len(expected) == inputs


def test_values_of_a_level_stand_at_a_step_that_people_know(by_dvc):
    """Sigma in 1/255, as the report has it."""
    client = mlflow.MlflowClient(by_dvc.tracking_uri)
    runs = {run.data.tags["ftn.stage"]: run.info.run_id for run in stage_runs(by_dvc)[0]}
    for stage, metric, steps in (
        ("calibrate@ftn", "dial", [0, 51, 76, 128]),
        ("evaluate@ftn", "psnr", [13, 76, 128]),
        ("calibrate_line@0.5", "dial", [0, 51, 76, 128]),
        ("evaluate_line@0.5", "psnr", [13, 51, 76, 128]),
    ):
        assert sorted(m.step for m in client.get_metric_history(runs[stage], metric)) == steps


def test_a_forced_stage_updates_its_run_and_its_version(by_dvc):
    before = {run.info.run_id for run in stage_runs(by_dvc)[0]}
    by_dvc.dvc("repro", "--single-item", "--force", "train_base")
    by_dvc.dvc("repro", "--single-item", "--force", "register")
    runs = stage_runs(by_dvc)[0]
    assert {run.info.run_id for run in runs} == before
    client = mlflow.MlflowClient(by_dvc.tracking_uri)
    (run,) = (run for run in runs if run.data.tags["ftn.stage"] == "train_base")
    assert [m.step for m in client.get_metric_history(run.info.run_id, "loss")] == [15, 30]
    assert len(client.search_model_versions("name = 'ftn-denoiser'")) == 1


def test_the_champion_answers_from_any_program(by_dvc, tmp_path):
    script = textwrap.dedent("""
        import mlflow, numpy as np
        model = mlflow.pyfunc.load_model("models:/ftn-denoiser@champion")
        clean = np.full((2, 37, 51, 3), 0.5, np.float32)
        noisy = (clean + 0.35 * np.random.default_rng(0).standard_normal(clean.shape)).astype(np.float32)
        out = {s: model.predict(noisy, params={"sigma": s}) for s in (0.2, 0.35, 0.5)}
        out["default"] = model.predict(noisy)
        np.savez("out.npz", **{str(k): v for k, v in out.items()})
    """)
    (tmp_path / "program.py").write_text(script)
    by_dvc.python("-c", f"import os, runpy; os.chdir({str(tmp_path)!r}); runpy.run_path('program.py')",
                  MLFLOW_TRACKING_URI=by_dvc.tracking_uri)  # fmt: skip
    out = np.load(tmp_path / "out.npz")
    for value in out.values():
        assert value.shape == (2, 37, 51, 3) and value.dtype == np.float32
        assert value.min() >= 0 and value.max() <= 1
    assert np.array_equal(out["default"], out["0.2"])
    assert not np.array_equal(out["0.2"], out["0.35"])


def test_a_version_carries_what_it_takes_to_make_it_again(by_dvc):
    client = mlflow.MlflowClient(by_dvc.tracking_uri)
    version = client.get_model_version_by_alias("ftn-denoiser", "champion")
    lock = yaml.safe_load((by_dvc.root / "dvc.lock").read_text())["stages"]
    assert len(version.tags["ftn.commit"]) == 40
    assert len(version.tags["ftn.dvc_lock"]) == 64
    assert version.tags["ftn.data"] == lock["prepare"]["outs"][0]["md5"]
    # few, for people to read: the runs of the stages are in a file beside the model
    plain = ("bytes", "commit", "data", "dvc_lock", "identity", "levels", "method", "parameters", "psnr", "quantity")
    rules = ("champion", "evenness", "gain", "harm", "size", "time")
    assert version.tags.keys() == {f"ftn.{name}" for name in (*plain, "gate", *(f"gate.{rule}" for rule in rules))}
    files = [f.path for f in client.list_artifacts(version.run_id)]
    assert not any(name.endswith(".pkl") for name in files)
    assert (by_dvc.root / "mlartifacts").is_dir() and not (by_dvc.root / "mlruns").exists()


def test_lineage_says_that_this_clone_makes_it_again_and_which_stages_differ_if_not(by_dvc):
    def lineage():
        return json.loads(by_dvc.python("-m", "serving.command", "models", "lineage", "champion", "--json").stdout)

    found = lineage()
    assert found["state"] == "ok" and {check["state"] for check in found["checks"]} == {"ok"}
    assert found["runs"] == {run.data.tags["ftn.stage"]: run.info.run_id for run in stage_runs(by_dvc)[0]}
    lock, text = by_dvc.root / "dvc.lock", (by_dvc.root / "dvc.lock").read_text()
    changed = yaml.safe_load(text)
    changed["stages"]["train_base"]["params"]["params.yaml"]["seed"] = 7
    lock.write_text(yaml.safe_dump(changed))
    try:
        (differing,) = (check for check in lineage()["checks"] if check["state"] == "differs")
    finally:
        lock.write_text(text)
    assert (differing["what"], differing["remark"]) == ("dvc.lock", "of train_base")


def test_dvc_shows_metrics_and_plots(by_dvc):
    metrics = json.loads(by_dvc.dvc("metrics", "show", "--json"))
    assert metrics[""]["data"]["results/metrics.json"]["data"]["psnr"]["ftn"]["0.5"] > 8
    plots = json.loads(by_dvc.dvc("plots", "show", "--json"))["data"]
    assert "results/curves/train_base.csv" in plots
    (over_sigma,) = plots["results/psnr.csv"]
    points = over_sigma["content"]["data"]["values"]
    assert over_sigma["content"]["encoding"]["color"]["field"] == "row"
    assert {(point["row"], point["level"]) for point in points} == {
        (method, sigma) for method in ("base", "ftn", "line-0.5") for sigma in ("0.05", "0.2", "0.3", "0.5")
    }


def test_a_new_sigma_recomputes_none_of_the_others(by_dvc):
    params = yaml.safe_load((by_dvc.root / "params.yaml").read_text())
    changed = params | {"data": params["data"] | {"levels": [0.05, 0.2, 0.3, 0.4, 0.5]}}
    (by_dvc.root / "params.yaml").write_text(yaml.safe_dump(changed, sort_keys=False))
    try:
        ran = by_dvc.dvc("repro", "--dry")
    finally:
        (by_dvc.root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    running = {line.split("'")[1] for line in ran.splitlines() if line.startswith("Running stage")}
    assert "degraded@0.4" in running
    assert not running & {
        "loss",
        "prepare",
        "degraded@0.05",
        "degraded@0.2",
        "degraded@0.3",
        "degraded@0.5",
        "train_base",
        "finetune@ftn-0.5",
    }


def test_a_mistake_is_one_line_and_loses_nothing(by_dvc):
    before = by_dvc.outputs()
    text = (by_dvc.root / "params.yaml").read_text()
    (by_dvc.root / "params.yaml").write_text(text.replace("steps: 30", "steps: -30"))
    try:
        alone = by_dvc.python("-m", "tasks", "train_base", check=False)
        flow = by_dvc.python("-m", "flows.pipeline", "--set", "train.stpes=3", check=False)
    finally:
        (by_dvc.root / "params.yaml").write_text(text)
    assert alone.returncode == 2
    assert alone.stdout.strip().splitlines()[-1].startswith("train_base: params.yaml: train.steps = -30")
    (line,) = flow.stdout.splitlines()  # no server has been started for it
    assert flow.returncode == 2 and line == "train.stpes=3: params.yaml has no key train.stpes"
    assert by_dvc.outputs() == before


def test_an_experiment_changes_what_it_is_asked_to(by_dvc):
    by_dvc.commit()  # with dvc.lock: else there is nothing to compare an experiment with
    out = by_dvc.dvc("exp", "run", "--name", "longer", "-S", "finetune.steps=25")
    assert "Running stage 'finetune@ftn-0.5'" in out
    assert "Running stage 'train_base'" not in out
    shown = csv.DictReader(by_dvc.dvc("exp", "show", "--csv", "--only-changed", "--drop", ".*/.*").splitlines())
    assert all(name.startswith("psnr.") for name in list(shown.fieldnames)[4:-1])  # the first four say which run
    rows = {row["Experiment"] or row["typ"] + row["rev"]: row for row in shown if row["rev"] != "workspace"}
    (before,) = rows.keys() - {"longer"}
    assert min(run.info.end_time - run.info.start_time for run in stage_runs(by_dvc)[1]) > 1000
    assert [rows[name]["finetune.steps"] for name in (before, "longer")] == ["20", "25"]
    assert all(float(rows[name]["psnr.ftn.0.5"]) > 8 for name in (before, "longer"))
    assert "finetune-ftn-0.5" in by_dvc.dvc("plots", "diff", "--json", "HEAD", "longer")


def test_an_experiment_in_a_copy_records_into_the_project_s_own_store(by_dvc):
    before = {run.info.run_id for run in stage_runs(by_dvc)[0]}
    changes = ("-S", f"data.folder={by_dvc.root / 'photographs'}", "-S", "train.steps=31")
    author = {f"GIT_{who}_{what}": "t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    by_dvc.dvc("exp", "run", "--temp", "--name", "aside", *changes, "train_base", **author)
    new = [run for run in stage_runs(by_dvc)[0] if run.info.run_id not in before]
    assert {run.data.tags["ftn.stage"] for run in new} == {"prepare", "train_base"}  # the rest is in DVC's cache
    (run,) = (run for run in new if run.data.tags["ftn.stage"] == "train_base")
    assert (run.info.status, run.data.params["train.steps"]) == ("FINISHED", "31") and run.data.metrics["val_score"] > 5
    assert yaml.safe_load((by_dvc.root / "params.yaml").read_text())["train"]["steps"] == 30
