"""Stage ``register``: the denoiser as a version in the MLflow model registry."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from tasks import workspace
from tasks.identity import from_lock
from tasks.runs import needed
from tasks.stage import main
from tasks.tracking import commit

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker

CODE = ["ftn_core", "serving/denoiser_model.py"]
"""What travels with the model."""


def register(params: "Parameters", tracker: "Tracker") -> None:
    """Register the denoiser, once for the same weights and code, and make it champion where there is none."""
    with needed():
        _register(params.register_.model, params.levels.methods[0], tracker)


def _register(name: str, method: str, tracker: "Tracker") -> None:
    client = tracker.client
    weights = workspace.denoiser(method)
    found = client.search_model_versions(f"name = '{name}' and tags.`ftn.identity` = '{tracker.identity}'")
    version = found[0].version if found else _log_model(name, weights, tracker)
    aliases = client.get_registered_model(name).aliases
    if "champion" not in aliases:
        client.set_registered_model_alias(name, "champion", version)
        aliases = {**aliases, "champion": version}
    for row, by_sigma in json.loads(workspace.METRICS.read_text())["psnr"].items():
        for sigma, psnr in by_sigma.items():
            tracker.metrics({f"psnr/{row}": psnr}, step=round(1000 * float(sigma)))
    print(f"{tracker.stage}: models:/{name}/{version}, champion is version {aliases['champion']}", flush=True)
    workspace.REGISTERED.write_text(json.dumps({"model": name, "version": version, "run": tracker.run_id}) + "\n")


def package(weights: Path) -> "ModelInfo":
    """Log the pyfunc model to the active run: code, weights, signature and requirements."""
    import mlflow
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, ParamSpec, Schema, TensorSpec

    from ftn_core.continuous import ContinuousDenoiser

    sigma = ContinuousDenoiser.load(weights).sigma
    images = Schema([TensorSpec(np.dtype(np.float32), (-1, -1, -1, 3))])
    example = np.random.default_rng(0).random((1, 16, 16, 3), np.float32)
    return mlflow.pyfunc.log_model(
        name="denoiser",
        python_model=CODE[1],
        artifacts={"denoiser": str(weights)},
        code_paths=[CODE[0]],
        signature=ModelSignature(images, images, ParamSchema([ParamSpec("sigma", "double", sigma)])),
        input_example=(example, {"sigma": sigma}),
        pip_requirements=_requirements(),
    )


def _log_model(name: str, weights: Path, tracker: "Tracker") -> str:
    """Log the pyfunc model to the stage's run and register it; returns the version."""
    import mlflow

    from ftn_core.continuous import ContinuousDenoiser

    with mlflow.start_run(run_id=tracker.run_id):
        model = package(weights)
    levels = json.dumps(ContinuousDenoiser.load(weights).sigmas)
    tags = {"ftn.identity": tracker.identity, "ftn.levels": levels, **_lineage(tracker)}
    return mlflow.register_model(model.model_uri, name, tags=tags).version


def _lineage(tracker: "Tracker") -> dict[str, str]:
    """What it takes to make this version again: commit, ``dvc.lock``, data, and the run of every stage."""
    lock = Path("dvc.lock")
    tags = {"ftn.commit": commit(), "ftn.run.register": tracker.run_id}
    if not lock.exists():
        return tags
    tags["ftn.dvc_lock"] = hashlib.sha256(lock.read_bytes()).hexdigest()
    stages = yaml.safe_load(lock.read_text())["stages"]
    for out in stages.get("prepare", {}).get("outs", []):
        tags["ftn.data"] = out["md5"]
    for name, entry in stages.items():
        if run := tracker.find_run(from_lock(name, entry)):
            tags[f"ftn.run.{name.replace('@', ':')}"] = run  # MLflow allows no @ in a key
    return tags


def _requirements() -> list[str]:
    """Exact versions of what the packaged code imports."""
    from importlib.metadata import version

    names = ["mlflow", "torch", "numpy", "safetensors", "pydantic", "pyyaml", "orjson"]
    return [f"{name}=={version(name).split('+')[0]}" for name in names]


if __name__ == "__main__":
    main(register)
