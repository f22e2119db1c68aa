"""The way to MLflow: set up so that a silence is noticed within seconds, and told from what was asked wrongly."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ftn_core.utils.errors import UserError
from registry.address import reason, redact_url, tracking_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient

SHORT_TIMEOUTS = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
"""By itself MLflow tries for minutes before it says that a server does not answer."""


class UnreachableError(UserError):
    """MLflow is needed now and does not answer."""


@contextlib.contextmanager
def short_timeouts() -> Iterator[None]:
    """Learn within seconds that a server does not answer, unless the environment says otherwise."""
    own = {key: value for key, value in SHORT_TIMEOUTS.items() if key not in os.environ}
    os.environ.update(own)
    try:
        yield
    finally:
        for key in own:
            del os.environ[key]


@contextlib.contextmanager
def require_server() -> Iterator[None]:
    """For work that cannot be put off until the server is back.

    Raises:
        UnreachableError: it does not answer.
    """
    try:
        yield
    except Exception as error:
        if not unreachable(error):
            raise
        raise UnreachableError(
            f"MLflow at {redact_url(tracking_uri())} does not answer ({reason(error)}): "
            "start the server, or point MLFLOW_TRACKING_URI elsewhere, and run this again"
        ) from None


def unreachable(error: Exception) -> bool:
    """Whether it is the store or the way to it that failed, and not what was asked of it."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    if isinstance(error, MlflowException):
        code = error.get_http_status_code()
        # a wrong password; an address where something else answers
        return code >= 500 or (code in (401, 403, 404) and error.error_code != "RESOURCE_DOES_NOT_EXIST")
    return isinstance(error, RequestException | SQLAlchemyError | TimeoutError | ConnectionError)


def prepare() -> None:
    """Import MLflow, set up for processes that go on without it."""
    # a run named by the environment would take the place of the one found here
    os.environ.pop("MLFLOW_RUN_ID", None)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"  # it would print the password in it
    import mlflow  # noqa: F401


def client() -> "MlflowClient":
    """A client of the store; MLflow's own functions use the same. Creates the database where there is none."""
    prepare()
    import mlflow

    uri = tracking_uri()
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    return mlflow.MlflowClient()


@contextlib.contextmanager
def existing() -> "Iterator[MlflowClient]":
    """A client for a command that looks at what is there, and must not leave an empty database behind.

    Raises:
        UserError: the database does not exist.
        UnreachableError: MLflow does not answer, now or within the block.
    """
    uri = tracking_uri()
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
        raise UserError(
            f"{uri.removeprefix('sqlite:///')} does not exist: `make repro` registers a model there, "
            "MLFLOW_TRACKING_URI names another store"
        )
    with require_server(), short_timeouts():
        yield client()
