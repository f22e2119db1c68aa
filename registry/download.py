"""The weights of a registered version, as a file."""

from pathlib import Path

from ftn_core.utils.errors import UserError
from registry.address import reason, redact_url, tracking_uri


def download_weights(uri: str) -> Path:
    """The denoiser's file of ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``. Its code is not run.

    Raises:
        UserError: there is no such version, the registry does not answer, or it is not a denoiser of ours.
    """
    import yaml
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    from registry.server import existing, unreachable

    with existing():
        try:
            folder = Path(download_artifacts(uri))
        except (MlflowException, OSError) as error:
            if unreachable(error):
                raise
            raise UserError(f"{uri} cannot be read from {redact_url(tracking_uri())}: {reason(error)}") from None
    try:
        flavor = yaml.safe_load((folder / "MLmodel").read_text())["flavors"]["python_function"]
        return folder / flavor["artifacts"]["denoiser"]["path"]
    except (KeyError, OSError):
        raise UserError(f"{uri} is not a denoiser that `register` has made") from None
