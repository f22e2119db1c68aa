"""The connection to MLflow: its address, a client with short timeouts, and errors that mean that it does not answer.

Addresses and errors are printed without the secrets that they can hold.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ftn_core.utils.errors import UserError
from ftn_core.utils.project import lasting_folder, project_folder
from ftn_core.utils.urls import redact_text, redact_url
from registry.moved import update_paths
from registry.new_store import create

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "ftn"
OWN_STORE = "mlflow.db"
"""The project's own store, a SQLite file; records that are uploaded later name it so."""
TRAININGS = "workflowType=machine_learning"
"""For addresses of MLflow's pages."""
SHORT_TIMEOUTS = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
"""With its defaults MLflow retries for minutes before it reports that a server does not answer."""


def tracking_uri() -> str:
    """The address of MLflow: ``MLFLOW_TRACKING_URI``, or else the project's own SQLite file.

    Raises:
        UserError: the file's path is one that an address cannot hold.
    """
    if named := os.environ.get("MLFLOW_TRACKING_URI"):
        return named
    own = local_store_uri()
    if "?" in own:
        path = own.removeprefix("sqlite:///")
        raise UserError(f"MLflow cannot open {path}, for its '?': rename that folder, or set MLFLOW_TRACKING_URI")
    return own


def local_store_uri() -> str:
    """The project's SQLite file ``mlflow.db``, as an address."""
    return f"sqlite:///{lasting_folder() / OWN_STORE}"


def store_name() -> str:
    """The store, for records that are uploaded later: also after the project was moved."""
    return OWN_STORE if tracking_uri() == local_store_uri() else without_credentials(tracking_uri())


def without_credentials(uri: str) -> str:
    """An address without user, password and query. It can be printed, stored, and opened as a link."""
    return redact_url(uri).replace("***@", "", 1).removesuffix("?***")


def redact(text: str) -> str:
    """A text without the secrets of the addresses in it, MLflow's own being readable."""
    return redact_text(text.replace(tracking_uri(), without_credentials(tracking_uri())))


def root_cause(error: BaseException) -> str:
    """The first line of the innermost exception's message, without secrets.

    MLflow wraps an exception several times. The innermost one says what happened.
    """
    while cause := error.__cause__ or error.__context__:
        error = cause
    lines = redact(str(error)).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:200]


def model_name() -> str:
    """``register.model`` of the project's ``params.yaml``; without such a file, the default's.

    Raises:
        UserError: the file is not valid. Another model must not be taken instead of the one that was meant.
    """
    from ftn_core.parameters import load_parameters

    params = project_folder() / "params.yaml"
    return load_parameters(params).register_.model if params.exists() else "ftn-denoiser"


class UnreachableError(UserError):
    """MLflow is needed now and does not answer."""


@contextlib.contextmanager
def short_timeouts() -> Iterator[None]:
    """Within the block MLflow gives up after seconds. Timeouts set in the environment win."""
    added = {key: value for key, value in SHORT_TIMEOUTS.items() if key not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            del os.environ[key]


@contextlib.contextmanager
def require_server() -> Iterator[None]:
    """For work that cannot wait until the server is back.

    Raises:
        UnreachableError: MLflow does not answer within the block.
    """
    try:
        yield
    except Exception as error:
        if not is_unreachable(error):
            raise
        raise UnreachableError(
            f"MLflow at {without_credentials(tracking_uri())} does not answer ({root_cause(error)}): "
            "start the server, or point MLFLOW_TRACKING_URI elsewhere, and run this again"
        ) from None


def is_unreachable(error: Exception) -> bool:
    """Whether the store or the connection failed, as opposed to a request that MLflow refused."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    if isinstance(error, MlflowException):
        code = error.get_http_status_code()
        # 401 and 403: a wrong password. 404 with another error code: another program listens at this address.
        return code >= 500 or (code in (401, 403, 404) and error.error_code != "RESOURCE_DOES_NOT_EXIST")
    return isinstance(error, RequestException | SQLAlchemyError | TimeoutError | ConnectionError)


def configure_mlflow() -> None:
    """Set the environment as every process of the project needs it. MLflow reads it when it is imported."""
    # MLflow would log to the run that this variable names, instead of the run that we choose
    os.environ.pop("MLFLOW_RUN_ID", None)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"  # the URL can hold a password


def mlflow_client() -> "MlflowClient":
    """A client of the store at ``tracking_uri()``. MLflow's own functions use that store from now on.

    The project's own store is created, if it does not exist.

    Raises:
        UserError: the address is of a kind that MLflow does not take.
    """
    configure_mlflow()
    import mlflow

    uri = tracking_uri()
    database = Path(uri.removeprefix("sqlite:///"))
    if uri == local_store_uri():
        if database.exists():
            update_paths(database, EXPERIMENT)
        else:
            create(database)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    try:
        _connect_once(uri)
        return mlflow.MlflowClient()
    except (mlflow.exceptions.MlflowException, ModuleNotFoundError) as error:
        if is_unreachable(error):
            raise
        raise UserError(f"MLFLOW_TRACKING_URI is {without_credentials(uri)}: {root_cause(error)}") from None


def _connect_once(uri: str) -> None:
    """MLflow tries a database that does not answer for two minutes, and warns ten times.

    Raises:
        SQLAlchemyError: the database does not answer.
        ModuleNotFoundError: its driver is not installed.
    """
    if uri.startswith(("postgresql", "mysql")):
        from sqlalchemy import create_engine

        create_engine(uri, connect_args={"connect_timeout": 10}).connect().close()


def experiment_page(client: "MlflowClient", address: str) -> str:
    """The page of all trainings on MLflow's server. Without ``TRAININGS`` it opens on what is for language models."""
    found = client.get_experiment_by_name(EXPERIMENT)
    place = f"experiments/{found.experiment_id}/runs" if found else "experiments"
    return f"{address}/#/{place}?{TRAININGS}"


@contextlib.contextmanager
def existing_store() -> "Iterator[MlflowClient]":
    """A client for commands that only read: they must not create an empty database.

    Raises:
        UserError: the database does not exist.
        UnreachableError: MLflow does not answer, now or within the block.
    """
    uri = tracking_uri()
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
        make = "register" if (project_folder() / "results/registered.json").exists() else "repro"
        raise UserError(
            f"{uri.removeprefix('sqlite:///')} does not exist: `make {make}` registers a model there, "
            "MLFLOW_TRACKING_URI names another store"
        )
    with require_server(), short_timeouts():
        yield mlflow_client()
