"""Where a trained model is taken from: the registry or a file."""

from pathlib import Path

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from registry.address import model_name
from registry.download import download_weights

DENOISERS = Path("models/denoisers")
"""Where the project at hand has its own, ``METHOD.safetensors``."""


def champion() -> str:
    """The champion of the model that the project at hand registers."""
    return f"models:/{model_name()}@champion"


def load_denoiser(source: str) -> ContinuousDenoiser:
    """The denoiser of ``models:/NAME@ALIAS``, ``models:/NAME/VERSION`` or a file of ``models/denoisers``.

    A file needs neither MLflow nor a network. Of a registered version only the weights are read: its code is not run.

    Raises:
        UserError: there is no such file or version, the registry does not answer, or it is not a denoiser of ours.
    """
    return ContinuousDenoiser.load(download_weights(source) if ":/" in source else Path(source))
