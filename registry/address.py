"""Where MLflow is, and how its address and its errors may be printed: without the secrets that they can hold."""

import os
import re
from pathlib import Path

from ftn_core.utils.errors import UserError
from ftn_core.utils.urls import redact_url

EXPERIMENT = "ftn"


def tracking_uri() -> str:
    """The address of MLflow: ``MLFLOW_TRACKING_URI``, or else the project's own SQLite file."""
    return os.environ.get("MLFLOW_TRACKING_URI") or local_store_uri()


def local_store_uri() -> str:
    """The SQLite file ``mlflow.db`` of the working directory, as an address."""
    return f"sqlite:///{Path('mlflow.db').absolute()}"


def without_credentials(uri: str) -> str:
    """An address without user, password and query. It can be printed, stored, and opened as a link."""
    return redact_url(uri).replace("***@", "", 1).removesuffix("?***")


def redact(text: str) -> str:
    """A text without the secrets of the addresses in it: HTTP clients and databases quote addresses in their errors."""
    return re.sub(r"://[^\s'\"]*@", "://", text.replace(tracking_uri(), without_credentials(tracking_uri())))


def root_cause(error: BaseException) -> str:
    """The first line of the innermost exception's message, without secrets.

    MLflow wraps an exception several times. The innermost one says what happened.
    """
    while cause := error.__cause__ or error.__context__:
        error = cause
    lines = redact(str(error)).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:200]


def model_name() -> str:
    """``register.model`` of the working directory's ``params.yaml``; without such a file, the default's."""
    from ftn_core.parameters import load_parameters

    try:
        return load_parameters().register_.model
    except UserError:
        return "ftn-denoiser"
