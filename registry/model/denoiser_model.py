"""The MLflow model that ``load_model("models:/ftn-denoiser@champion")`` and ``mlflow models serve`` run.

MLflow stores this file as code and the weights as safetensors. Nothing is pickled.
"""

import gc
import os
import sys
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
from registry.model.endpoint import Endpoint, RestoreImages
from registry.model.request import checked_images, checked_level

SERVER = "mlflow.pyfunc.scoring_server"
MAX_PIXELS = 2**21
"""Most pixels in one request to the service, about 1920 x 1080. ``FTN_SERVICE_MAX_PIXELS`` overrides it."""


class DenoiserModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Restores images at the level that the caller sets: the dial."""

    def load_context(self, context: Any) -> None:  # noqa: ANN401 - MLflow's own
        """Load the weights that were registered with this version."""
        self.denoiser = ContinuousDenoiser.load(Path(context.artifacts["denoiser"]))
        self.network = self.denoiser.fold(0.0)
        self.lock = threading.Lock()
        if f"{SERVER}.app" in sys.modules:  # `mlflow models serve` imports that module, which loads this model
            _replace_endpoint(self.restore_images)

    # plain np.ndarray: MLflow reads the annotations, and rejects anything more precise as a broken signature
    def predict(
        self,
        context: Any,  # noqa: ANN401 - MLflow's own
        model_input: np.ndarray,
        params: dict[str, Any] | None = None,
    ) -> np.ndarray:
        """Restore images of any height and width.

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
            return self.restore_images(model_input, params)
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None

    def restore_images(self, images: np.ndarray, params: dict[str, Any] | None) -> np.ndarray:
        """As ``predict``, but raises ``UserError``. One thread at a time uses the network, and all cores."""
        level = checked_level(params, self.denoiser.task.quantity, self.denoiser.base_level)
        degraded = torch.from_numpy(checked_images(images)).permute(0, 3, 1, 2)
        with self.lock:
            self.denoiser.fold(self.denoiser.position(level), self.network)
            output = restore(self.network, degraded)
        return output.permute(0, 2, 3, 1).contiguous().numpy()


def _replace_endpoint(restore_images: RestoreImages) -> None:
    """Make MLflow's scoring server answer ``/invocations`` with our endpoint.

    MLflow's own endpoint answers 500 to some requests that are not JSON. It accepts "0.5", null and misspelt
    parameters. It reads bodies of any size, and needs several times as long (benchmarks/service.py). There is no
    setting for any of that. MLflow builds the application after it has loaded the model, so the wrapper that it puts
    around its endpoint is the only place where a model can replace it (docs/decisions/0009).
    """
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response

    endpoint = Endpoint(restore_images, _max_pixels())

    async def invocations(request: Request) -> Response:
        try:
            status, text = await endpoint(request)
        except ClientDisconnect:
            return Response(status_code=400)  # the client is gone and does not read it
        return Response(text, status, media_type="application/json")

    wrapper = "_async_catch_mlflow_exception"
    if not hasattr(sys.modules[SERVER], wrapper):
        raise MlflowException(
            f"MLflow {mlflow.__version__} has no {SERVER}.{wrapper}: install the version in requirements.txt"
        )
    setattr(sys.modules[SERVER], wrapper, lambda mlflow_endpoint: invocations)
    # Parsing JSON makes a Python list of every pixel. At its usual pace garbage collection would scan all objects of
    # MLflow and PyTorch again and again meanwhile, which takes two thirds of the time.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def _max_pixels() -> int:
    value = os.environ.get("FTN_SERVICE_MAX_PIXELS", str(MAX_PIXELS))
    if not value.isdecimal() or int(value) == 0:
        raise MlflowException(f"FTN_SERVICE_MAX_PIXELS must be a number from 1, not {value!r}")
    return int(value)


set_model(DenoiserModel())
