"""Loads a model by what the user calls it: a released one, the registry's, or a file."""

import os
from pathlib import Path

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.released.models import PHOTO, load_released
from ftn_core.utils.project import project_folder
from registry.download import download_weights
from registry.server import model_name

CHAMPION_NAME = "champion"
"""Names the champion of the model that ``params.yaml`` registers."""


def local_denoisers() -> Path:
    """Where the project's pipeline writes its denoisers, ``METHOD.safetensors``."""
    return project_folder() / "models/denoisers"


def default_model() -> str:
    """The model that is used if the user names none: ``FTN_MODEL``, or else the released one for photographs."""
    return os.environ.get("FTN_MODEL") or PHOTO


def champion_uri() -> str:
    """The champion of the model that ``params.yaml`` names, as an MLflow URI."""
    return f"models:/{model_name()}@champion"


def load_denoiser(source: str) -> ContinuousDenoiser:
    """The denoiser of a released model's name, ``champion``, a ``models:/`` URI of MLflow, or a file.

    A released model and a file need neither MLflow nor a network connection. The code stored with a registered version
    is not run.

    Raises:
        UserError: there is no such file or version, MLflow does not answer, or it is not a denoiser of this project.
    """
    if source == CHAMPION_NAME:
        source = champion_uri()
    return load_released(download_weights(source) if ":/" in source else source)
