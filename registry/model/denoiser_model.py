"""The MLflow model that ``load_model("models:/ftn-denoiser@champion")`` and ``mlflow models serve`` run.

MLflow stores this file as code and the weights as safetensors. Nothing is pickled.
"""

import threading
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import torch
from mlflow.exceptions import MlflowException
from mlflow.models import set_model

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.runtime.images import restore
from ftn_core.utils.errors import UserError
from registry.model.arguments import checked_images, checked_level
from registry.model.own_code import refuse_other_code


class DenoiserModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Restores images at the level that the caller sets: the dial."""

    def load_context(self, context: Any) -> None:  # noqa: ANN401 - MLflow's own
        """Load the weights that were registered with this version.

        Raises:
            MlflowException: the process has other code of this project, which would run instead of this version's own.
        """
        refuse_other_code(Path(context.artifacts["denoiser"]).parents[1] / "code")
        self.denoiser = ContinuousDenoiser.load(Path(context.artifacts["denoiser"]))
        self.network = self.denoiser.fold(0.0)
        self.lock = threading.Lock()

    # plain np.ndarray: MLflow reads the annotations, and rejects anything more precise as a broken signature
    def predict(
        self,
        context: Any,  # noqa: ANN401 - MLflow's own
        model_input: np.ndarray,
        params: dict[str, Any] | None = None,
    ) -> np.ndarray:
        """Restore images of any height and width. One thread at a time uses the network, and all cores.

        Args:
            context: MLflow's, not used.
            model_input: ``N x H x W x 3`` of floats on the scale [0, 1], RGB.
            params: the level by the name of its quantity, as ``{"sigma": 0.2}`` or ``{"quality": 20}``. Default: the
                base level. A level beyond the dial's ends is replaced by the nearest end. At the level of nothing to
                do (sigma 0, quality 100, scale 1) images in [0, 1] come back as they are.

        Returns:
            An array of float32 of the same shape, in [0, 1].

        Raises:
            MlflowException: with the code INVALID_PARAMETER_VALUE, if images or level are wrong; it says what is wrong.
        """
        try:
            level = checked_level(params, self.denoiser.task.quantity, self.denoiser.base_level)
            degraded = torch.from_numpy(checked_images(model_input)).permute(0, 3, 1, 2)
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None
        with self.lock:
            self.denoiser.fold(self.denoiser.position(level), self.network)
            output = restore(self.network, degraded)
        return output.permute(0, 2, 3, 1).contiguous().numpy()


set_model(DenoiserModel())
