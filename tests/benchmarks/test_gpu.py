"""A part of the time with a GPU, on the CPU and small: without DVC and MLflow, killed on the way, taken home."""

import json
import os
import signal
import time

import mlflow
import pytest
import yaml
from project import ROOT
from sandbox import Sandbox

from benchmarks.gpu.graph import PRIORITY

HIDE = """
import sys

HIDDEN = {"dvc", "mlflow", "prefect", "ruamel", "boto3", "filelock"}

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"hidden: {name}", name=name)

sys.meta_path.insert(0, Hidden())
for name in [name for name in sys.modules if name.partition(".")[0] in HIDDEN]:  # a fork has them
    del sys.modules[name]
"""
SMALL = {
    "data": {"levels": [0.2, 0.5]},
    "levels": {"base": 0.2, "adapted": [0.5], "methods": ["ftn"], "from_scratch": [0.5], "lines": []},
    "network": {"name": "adafm_net", "channels": 8, "depth": 1},
    "train": {"batch_size": 4, "crop": 32, "validations": 2},
    "finetune": {"batch_size": 4, "crop": 32},
    "evaluate": {"alphas": 2, "images": 1, "calibration_images": 1},
    "gate": {"min_gain": -5.0, "max_harm": 5.0, "min_evenness": 0.0, "max_time": 100.0},
}


def test_every_stage_but_register_has_its_place():
    stages = set(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])
    assert sorted(name for group in PRIORITY for name in group) == sorted(stages - {"register"})


@pytest.mark.slow
def test_a_part_is_run_where_nothing_is_installed_survives_kills_and_is_taken_without_training(tmp_path):
    sandbox = Sandbox(tmp_path / "project", unused_rows=True)  # presets set their values
    sandbox.python("-m", "benchmarks.gpu", "pack", "paper", "photographs")
    part = sandbox.root / ".gpu/paper"
    params = yaml.safe_load((part / "params.yaml").read_text())
    assert params["levels"]["methods"] == ["ftn", "ftn-4", "ftn-16", "adafm", "dni"] and params["data"]["include"]
    for section, values in SMALL.items():
        params[section] |= values
    (part / "params.yaml").write_text(yaml.safe_dump(params))

    (tmp_path / "hide").mkdir()
    (tmp_path / "hide/sitecustomize.py").write_text(HIDE)
    hidden = {"PYTHONPATH": str(tmp_path / "hide")}
    # a second has no room for more than the fewest steps; only the command below ends a part that has had its time
    for written in ("trial/paces.json", "done/train_base.json"):
        process = sandbox.start("python", "-m", "benchmarks.gpu.part", "paper", "1", **hidden)
        while not (part / written).exists():
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        said = process.communicate()[0]
    assert "trial of train_base" not in said and "trial of finetune@ftn-0.5" in said
    plan = (part / "steps.json").read_text()
    archive = str(tmp_path / "out")
    out = sandbox.run("python", "-m", "benchmarks.gpu", "--minutes", "0", "9", "0", "--out", archive, **hidden).stdout
    assert "paper: ended with 0" in out and "train_base: done" not in out and (part / "steps.json").read_text() == plan
    summary = (part / "summary.md").read_text()
    total = sum(json.loads(plan)[section] for section in ("train", "finetune"))
    assert f"Every row has {total:,} steps in all" in summary and "| ftn | " in summary
    weights = (part / "models/denoisers/ftn.safetensors").read_bytes()

    photographs = part / "photographs"
    photographs.rename(tmp_path / "kept")
    sandbox.run("rm", "-r", ".gpu")
    sandbox.python("-m", "benchmarks.gpu", "unpack", archive)
    (tmp_path / "kept").rename(photographs)
    sandbox.untracked("degraded")  # of the parameters before, with a level that the part has not
    taken = sandbox.python("-m", "benchmarks.gpu", "take", "paper", FTN_TRACKING="off").stdout
    assert "not taken" not in taken and "data/degraded/0.3: no stage makes it any more, removed" in taken, taken
    assert (sandbox.root / "models/denoisers/ftn.safetensors").read_bytes() == weights
    made = [path.stem for path in (part / "done").glob("*.json")]
    assert sandbox.dvc("status", *made) == "Data and pipelines are up to date.\n"
    repro = sandbox.dvc("repro")
    assert repro.count("Running stage") == 1 and "Running stage 'register'" in repro, repro
    card = (sandbox.root / "results/card.md").read_text()
    machine = json.loads((part / "done/train_base.json").read_text())["machine"]
    assert f"Trained on {machine}" in card
    client = mlflow.MlflowClient(sandbox.tracking_uri)
    (run,) = client.search_runs([client.get_experiment_by_name("ftn").experiment_id], "tags.`ftn.stage` = 'train_base'")
    assert run.data.tags["ftn.machine"] == machine and run.info.status == "FINISHED"
    assert client.get_metric_history(run.info.run_id, "val_score")
