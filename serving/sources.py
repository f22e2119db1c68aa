"""Where a trained model is taken from: the registry or a file."""

from pathlib import Path

from ftn_core.continuous import ContinuousDenoiser
from ftn_core.errors import UserError
from serving.registry.address import model_name

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
    return ContinuousDenoiser.load(_download(source) if ":/" in source else Path(source))


def _download(uri: str) -> Path:
    import yaml
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    from serving.registry.address import reason, shown, tracking_uri
    from serving.registry.server import existing, unreachable

    with existing():
        try:
            folder = Path(download_artifacts(uri))
        except (MlflowException, OSError) as error:
            if unreachable(error):
                raise
            raise UserError(f"{uri} cannot be read from {shown(tracking_uri())}: {reason(error)}") from None
    try:
        flavor = yaml.safe_load((folder / "MLmodel").read_text())["flavors"]["python_function"]
        return folder / flavor["artifacts"]["denoiser"]["path"]
    except (KeyError, OSError):
        raise UserError(f"{uri} is not a denoiser that `register` has made") from None
