"""Packs a denoiser as an MLflow model, with the code that ``load_model`` and ``mlflow models serve`` need."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ftn_core.utils.imports import closure
from ftn_core.utils.neutral import counting

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel
    from mlflow.models.model import ModelInfo

MODEL_FILE = "registry/model/denoiser_model.py"


def code_of(network: str, methods: Sequence[str]) -> list[str]:
    """The project's files that a model runs with: what it imports, its network's file, and its methods' files.

    Args:
        network: of a file in ``ftn_core/networks``.
        methods: of files in ``ftn_core/transitions``.
    """
    chosen = [f"ftn_core/networks/{network}.py", *(f"ftn_core/transitions/{method}.py" for method in methods)]
    return sorted(closure(MODEL_FILE, *chosen))


def identity(weights: Path, code: Sequence[str]) -> str:
    """SHA-256 of the weights and of the code that can change results. Equal models get no second version."""
    digest = hashlib.sha256()
    for file in (weights, *map(Path, counting(code))):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def package(weights: Path, code: Sequence[str], quantity: str, level: float) -> "ModelInfo":
    """Log the MLflow model to the active run: code, weights, signature and requirements.

    Args:
        weights: the denoiser's file.
        code: the files that the model runs with, relative to the working directory, as ``code_of`` lists them.
        quantity: name of the model's parameter, which is the quantity that the dial sets.
        level: the parameter's default.
    """
    import mlflow
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, ParamSpec, Schema, TensorSpec

    images = Schema([TensorSpec(np.dtype(np.float32), (-1, -1, -1, 3))])
    example = np.random.default_rng(0).random((1, 16, 16, 3), np.float32)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        _copy([file for file in code if file != MODEL_FILE], Path(folder))  # MLflow stores that one itself
        # DVC's file may be a link into its cache (cache.type symlink), which MLflow does not follow
        file = shutil.copyfile(weights, Path(other, weights.name))
        return mlflow.pyfunc.log_model(
            name="denoiser",
            python_model=MODEL_FILE,
            artifacts={"denoiser": str(file)},
            code_paths=[str(path) for path in sorted(Path(folder).iterdir())],
            signature=ModelSignature(images, images, ParamSchema([ParamSpec(quantity, "double", level)])),
            input_example=(example, {quantity: level}),
            pip_requirements=_requirements(),
        )


def delete_unregistered(client: "MlflowClient", run: str) -> None:
    """Delete what killed registrations left.

    These are the models of this run that are no version of anything, and unfinished ones of registrations that ended.
    """
    experiment = client.get_run(run).info.experiment_id
    ended = "tags.`ftn.stage` = 'register' and attributes.status != 'RUNNING'"
    others = {found.info.run_id for found in client.search_runs([experiment], ended, max_results=10_000)}
    sources = [version.source for version in client.search_model_versions(f"run_id = '{run}'")]
    for model in _logged_models(client, experiment):
        unregistered = model.source_run_id == run and not any(model.model_id in source for source in sources)
        if unregistered or (model.source_run_id in others and model.status == "PENDING"):
            client.delete_logged_model(model.model_id)


def _logged_models(client: "MlflowClient", experiment: str) -> "Iterator[LoggedModel]":
    page = client.search_logged_models([experiment])
    yield from page
    while page.token:
        page = client.search_logged_models([experiment], page_token=page.token)
        yield from page


def _copy(code: Sequence[str], folder: Path) -> None:
    """Copy the files, and make every folder with Python files a regular package.

    Without an ``__init__.py`` Python would prefer an installed ``ftn_core`` to the model's own, wherever it stands on
    the path.
    """
    for file in code:
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    for subfolder in [path for path in folder.rglob("*") if path.is_dir()]:
        (subfolder / "__init__.py").touch()


def _requirements() -> list[str]:
    """Exact versions of the libraries that the packed code imports."""
    from importlib.metadata import version

    names = ["mlflow", "torch", "numpy", "safetensors", "pydantic", "pyyaml"]
    return [f"{name}=={version(name).split('+')[0]}" for name in names]
