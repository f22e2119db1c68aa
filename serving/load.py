"""Loads a trained model from the registry or from a file."""

from pathlib import Path

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.released.ffdnet import published_ffdnet
from registry.download import download_weights
from registry.server import model_name

FFDNET = "ffdnet"
"""Names FFDNet with its published weights."""
LOCAL_DENOISERS = Path("models/denoisers")
"""Where the pipeline writes its denoisers, ``METHOD.safetensors``."""


def champion_uri() -> str:
    """The champion of the model that ``params.yaml`` names, as an MLflow URI."""
    return f"models:/{model_name()}@champion"


def load_denoiser(source: str) -> ContinuousDenoiser:
    """The denoiser of ``models:/NAME@ALIAS``, ``models:/NAME/VERSION``, a file, or ``ffdnet``.

    A file needs neither MLflow nor a network connection. The code stored with a registered version is not run.

    Raises:
        UserError: there is no such file or version, MLflow does not answer, or it is not a denoiser of this project.
    """
    if source == FFDNET:
        return published_ffdnet()
    return ContinuousDenoiser.load(download_weights(source) if ":/" in source else Path(source))
