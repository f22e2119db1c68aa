"""The registry model: what ``load_model("models:/ftn-denoiser@champion")`` and ``mlflow models serve`` run.

MLflow stores this file as code and the weights as safetensors; nothing is pickled.
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
from registry.model.endpoint import Endpoint, Restore
from registry.model.request import checked_images, checked_level

SERVER = "mlflow.pyfunc.scoring_server"
MAX_PIXELS = 2**21
"""Of one request to the service, unless ``FTN_SERVICE_MAX_PIXELS`` says otherwise: 1920 x 1080."""


class DenoiserModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Restores images at the level that the caller sets: the dial."""

    def load_context(self, context: Any) -> None:  # noqa: ANN401 - MLflow's own
        """Load the weights that were registered with this version."""
        self.denoiser = ContinuousDenoiser.load(Path(context.artifacts["denoiser"]))
        self.network = self.denoiser.fold(0.0)
        self.turn = threading.Lock()
        if f"{SERVER}.app" in sys.modules:  # which is just being imported, by `mlflow models serve`
            _answer_invocations(self.restored)

    # plain np.ndarray: MLflow reads the hints, and takes anything more precise for a broken signature
    def predict(
        self,
        context: Any,  # noqa: ANN401 - MLflow's own
        model_input: np.ndarray,
        params: dict[str, Any] | None = None,
    ) -> np.ndarray:
        """Restore ``N x H x W x 3`` of floats on the scale [0, 1], any height and width; returns the same shape.

        ``params`` has the level by the name of its quantity, as ``{"sigma": 0.2}`` or ``{"quality": 20}``; without it, the
        base level is taken. Levels beyond the trained ones use the nearest one.

        Raises:
            MlflowException: of the kind INVALID_PARAMETER_VALUE, and says what is wrong with images or level.
        """
        try:
            return self.restored(model_input, params)
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None

    def restored(self, images: np.ndarray, params: dict[str, Any] | None) -> np.ndarray:
        """The same, but raises ``UserError``. Threads take turns: one image at a time has all cores."""
        level = checked_level(params, self.denoiser.task.quantity, self.denoiser.base_level)
        degraded = torch.from_numpy(checked_images(images)).permute(0, 3, 1, 2)
        with self.turn:
            self.denoiser.fold(self.denoiser.position(level), self.network)
            output = restore(self.network, degraded)
        return output.permute(0, 2, 3, 1).contiguous().numpy()


def _answer_invocations(restored: Restore) -> None:
    """Let MLflow's scoring server take our endpoint for its own.

    Its own answers 500 to some requests that are not JSON, takes "0.5", null and misspelt parameters for right, keeps
    bodies of any size, and needs several times as long (benchmarks/service.py). There is no setting for any of that,
    and the application is built after the model is loaded: what it wraps around ``/invocations`` is the one place.
    """
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response

    endpoint = Endpoint(restored, _max_pixels())

    async def invocations(request: Request) -> Response:
        try:
            status, text = await endpoint(request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        return Response(text, status, media_type="application/json")

    wrapper = "_async_catch_mlflow_exception"
    if not hasattr(sys.modules[SERVER], wrapper):
        raise MlflowException(
            f"MLflow {mlflow.__version__} has no {SERVER}.{wrapper}: install the version in requirements.txt"
        )
    setattr(sys.modules[SERVER], wrapper, lambda theirs: invocations)
    # JSON makes a list of every pixel: at its usual pace the collector would look through all of MLflow and PyTorch
    # again and again meanwhile, and take two thirds of the time
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def _max_pixels() -> int:
    value = os.environ.get("FTN_SERVICE_MAX_PIXELS", str(MAX_PIXELS))
    if not value.isdecimal() or int(value) == 0:
        raise MlflowException(f"FTN_SERVICE_MAX_PIXELS must be a number from 1, not {value!r}")
    return int(value)


set_model(DenoiserModel())
