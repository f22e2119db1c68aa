"""The registry model: what ``mlflow.pyfunc.load_model("models:/ftn-denoiser@champion")`` runs.

MLflow stores this file as code and the weights as safetensors; nothing is pickled.
"""

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import torch
from mlflow.models import set_model

from ftn_core.continuous import ContinuousDenoiser
from ftn_core.images import restore


class DenoiserModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Restores images at the sigma that the caller sets: the dial."""

    def load_context(self, context: Any) -> None:  # noqa: ANN401 - MLflow's own
        """Load the weights that were registered with this version."""
        self.denoiser = ContinuousDenoiser.load(Path(context.artifacts["denoiser"]))
        self.network = self.denoiser.fold(0.0)

    # plain np.ndarray: MLflow reads the hints, and takes anything more precise for a broken signature
    def predict(
        self,
        context: Any,  # noqa: ANN401 - MLflow's own
        model_input: np.ndarray,
        params: dict[str, Any] | None = None,
    ) -> np.ndarray:
        """Restore ``N x H x W x 3`` of float32 in [0, 1], any height and width; returns the same shape.

        ``params["sigma"]`` is the standard deviation of the noise on that scale; without it, the base level's.
        Sigmas beyond the trained levels use the nearest one.
        """
        sigma = float((params or {}).get("sigma", self.denoiser.sigma))
        self.denoiser.fold(self.denoiser.position(sigma), self.network)
        noisy = torch.from_numpy(np.ascontiguousarray(model_input, np.float32)).permute(0, 3, 1, 2)
        return restore(self.network, noisy).permute(0, 2, 3, 1).contiguous().numpy()


set_model(DenoiserModel())
