"""A denoiser as MLflow packs it: what ``mlflow models serve`` and ``mlflow.pyfunc.load_model`` need of it."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

CODE = ["ftn_core", "serving/denoiser_model.py"]
"""What travels with the model."""


def package(weights: Path) -> "ModelInfo":
    """Log the pyfunc model to the active run: code, weights, signature and requirements.

    Its parameter has the name of what the levels are measured in, and the base level for a caller who does not say.
    """
    import mlflow
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, ParamSpec, Schema, TensorSpec

    from ftn_core.continuous import ContinuousDenoiser

    denoiser = ContinuousDenoiser.load(weights)
    name, level = denoiser.task.unit.name, float(denoiser.base_level)
    images = Schema([TensorSpec(np.dtype(np.float32), (-1, -1, -1, 3))])
    example = np.random.default_rng(0).random((1, 16, 16, 3), np.float32)
    return mlflow.pyfunc.log_model(
        name="denoiser",
        python_model=CODE[1],
        artifacts={"denoiser": str(weights)},
        code_paths=[CODE[0]],
        signature=ModelSignature(images, images, ParamSchema([ParamSpec(name, "double", level)])),
        input_example=(example, {name: level}),
        pip_requirements=_requirements(),
    )


def _requirements() -> list[str]:
    """Exact versions of what the packaged code imports."""
    from importlib.metadata import version

    names = ["mlflow", "torch", "numpy", "safetensors", "pillow", "pydantic", "pyyaml", "orjson"]
    return [f"{name}=={version(name).split('+')[0]}" for name in names]
