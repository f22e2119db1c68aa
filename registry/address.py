"""Where runs are tracked, and how that is told to people: without the secrets that an address can hold."""

import os
import re
from pathlib import Path

from ftn_core.utils import urls
from ftn_core.utils.errors import UserError

EXPERIMENT = "ftn"


def tracking_uri() -> str:
    """Where runs are tracked: ``MLFLOW_TRACKING_URI``, or SQLite beside the project."""
    return os.environ.get("MLFLOW_TRACKING_URI") or embedded()


def embedded() -> str:
    """SQLite beside the project; MLflow itself puts it into the environment once it is in use."""
    return f"sqlite:///{Path('mlflow.db').absolute()}"


def redact_url(uri: str) -> str:
    """An address without user, password and query, as it may be printed, linked and written down."""
    return urls.redact_url(uri).replace("***@", "", 1).removesuffix("?***")


def redact(text: str) -> str:
    """A text that may quote an address, as exceptions of HTTP clients and databases do, without its secrets."""
    return re.sub(r"://[^\s'\"]*@", "://", text.replace(tracking_uri(), redact_url(tracking_uri())))


def reason(error: BaseException) -> str:
    """What an exception says at its root, in one line without secrets: MLflow wraps causes over and over."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    lines = redact(str(error)).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:200]


def model_name() -> str:
    """The model that the project at hand registers; where there is none, the default's."""
    from ftn_core.parameters import load_parameters

    try:
        return load_parameters().register_.model
    except UserError:
        return "ftn-denoiser"
