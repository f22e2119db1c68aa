"""A denoiser as MLflow packs it: what ``mlflow models serve`` and ``mlflow.pyfunc.load_model`` need of it."""

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ftn_core.utils.imports import closure
from ftn_core.utils.neutral import counting

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

MODEL = "registry/model/denoiser_model.py"


def code_of(network: str, methods: Sequence[str]) -> list[str]:
    """The project's files that a model runs with: what it imports, its network's file and its methods'."""
    chosen = [f"ftn_core/networks/{network}.py", *(f"ftn_core/transitions/{method}.py" for method in methods)]
    return sorted(closure(MODEL, *chosen))


def identity(weights: Path, code: Sequence[str]) -> str:
    """SHA-256 of the weights and of the code that decides on their use: the same model is not registered twice."""
    digest = hashlib.sha256()
    for file in (weights, *map(Path, counting(code))):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def package(weights: Path, code: Sequence[str], quantity: str, level: float) -> "ModelInfo":
    """Log the pyfunc model to the active run: code, weights, signature and requirements.

    Args:
        quantity: name of what the dial sets, which is the name of the model's parameter.
        level: that it has for a caller who does not say.
    """
    import mlflow
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, ParamSpec, Schema, TensorSpec

    images = Schema([TensorSpec(np.dtype(np.float32), (-1, -1, -1, 3))])
    example = np.random.default_rng(0).random((1, 16, 16, 3), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        for file in code:
            target = Path(folder, file)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        return mlflow.pyfunc.log_model(
            name="denoiser",
            python_model=MODEL,
            artifacts={"denoiser": str(weights)},
            code_paths=[str(path) for path in sorted(Path(folder).iterdir())],
            signature=ModelSignature(images, images, ParamSchema([ParamSpec(quantity, "double", level)])),
            input_example=(example, {quantity: level}),
            pip_requirements=_requirements(),
        )


def _requirements() -> list[str]:
    """Exact versions of what the packaged code imports."""
    from importlib.metadata import version

    names = ["mlflow", "torch", "numpy", "safetensors", "pydantic", "orjson"]
    return [f"{name}=={version(name).split('+')[0]}" for name in names]
