"""The weights of a registered version, as a file."""

from pathlib import Path

from ftn_core.utils.errors import UserError
from registry.server import root_cause, tracking_uri, without_credentials


def download_weights(uri: str) -> Path:
    """The denoiser's file of ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``. The code stored with it is not run.

    Raises:
        UserError: the version does not exist, MLflow does not answer, or the model was not made by ``register``.
    """
    import yaml
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    from registry.server import existing_store, is_unreachable

    with existing_store():
        try:
            folder = Path(download_artifacts(uri))
        except (MlflowException, OSError) as error:
            if is_unreachable(error):
                raise
            raise UserError(
                f"{uri} cannot be read from {without_credentials(tracking_uri())}: {root_cause(error)}"
            ) from None
    try:
        flavor = yaml.safe_load((folder / "MLmodel").read_text())["flavors"]["python_function"]
        return folder / flavor["artifacts"]["denoiser"]["path"]
    except (KeyError, OSError):
        raise UserError(f"{uri} is not a denoiser that `register` has made") from None
