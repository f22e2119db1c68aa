"""Where a trained model is taken from: the registry or a file."""

import os
from pathlib import Path

from ftn_core.continuous import ContinuousDenoiser
from ftn_core.errors import UserError

CHAMPION = "models:/ftn-denoiser@champion"

PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
"""Else a server that is down is asked again for minutes."""


def load_denoiser(source: str) -> ContinuousDenoiser:
    """The denoiser of ``models:/NAME@ALIAS``, ``models:/NAME/VERSION`` or a file of ``models/denoisers``.

    A file needs neither MLflow nor a network. Of a registered version only the weights are read: its code is not run.

    Raises:
        UserError: there is no such file or version, the registry does not answer, or it is not a denoiser of ours.
    """
    return ContinuousDenoiser.load(_download(source) if ":/" in source else Path(source))


def _download(uri: str) -> Path:
    import mlflow
    import yaml
    from mlflow.exceptions import MlflowException

    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    try:
        folder = Path(mlflow.artifacts.download_artifacts(uri))
    except (MlflowException, OSError) as error:
        raise UserError(
            f"{uri} cannot be read from {mlflow.get_tracking_uri()}: {str(error).splitlines()[0]}"
        ) from None
    try:
        flavor = yaml.safe_load((folder / "MLmodel").read_text())["flavors"]["python_function"]
        return folder / flavor["artifacts"]["denoiser"]["path"]
    except (KeyError, OSError):
        raise UserError(f"{uri} is not a denoiser that `register` has made") from None
