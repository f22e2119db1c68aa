"""Checks MLflow's tracking server or database, and the store of its artifacts."""

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dvc.fs import get_cloud_fs

from ftn_core.utils.errors import UserError
from ftn_core.utils.urls import redact_url
from registry.server import tracking_uri
from stack.check.messages import ANSWER_SECONDS, describe_network_error, describe_refusal
from stack.check.postgres import query
from stack.check.storage import probe

if TYPE_CHECKING:
    import requests

MLFLOW_LOGIN = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"


def check() -> str:
    """Write to the server or database that ``MLFLOW_TRACKING_URI`` names, and take it back."""
    uri = tracking_uri()
    where = redact_url(uri)
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        return f"nothing configured (MLFLOW_TRACKING_URI): the embedded default, {where}"
    if not uri.startswith(("http://", "https://", "sqlite", "postgresql", "mysql", "mssql")):
        raise UserError(f"MLFLOW_TRACKING_URI={where}: neither http(s):// nor a database")
    try:
        return f"{where}: {_probe_server(uri) if uri.startswith('http') else _probe_database(uri)}"
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _probe_server(uri: str) -> str:
    # a registered model is the only thing that MLflow deletes permanently
    name = {"name": f"ftn-check-{uuid.uuid4().hex}"}
    _ask(uri, "POST", "mlflow/registered-models/create", json=name)
    _ask(uri, "DELETE", "mlflow/registered-models/delete", json=name)
    # the default experiment lies where the server stores artifacts
    default = _ask(uri, "GET", "mlflow/experiments/get", params={"experiment_id": "0"}).json()["experiment"]
    store = urlsplit(default["artifact_location"])
    try:
        if store.scheme == "mlflow-artifacts":
            path = f"mlflow-artifacts/artifacts{store.path}/.ftn-check-{uuid.uuid4().hex}"
            _ask(uri, "PUT", path, data=b"ftn")
            _ask(uri, "DELETE", path)
        elif store.scheme == "s3":  # clients write there themselves
            endpoint = os.environ.get("MLFLOW_S3_ENDPOINT_URL")
            probe(*get_cloud_fs(None, url=store.geturl(), **({"endpointurl": endpoint} if endpoint else {})))
    except UserError as error:
        raise UserError(f"reachable, writable, but its artifacts at {store.geturl()} are not: {error}") from None
    return "reachable, writable, artifacts too"


def _ask(uri: str, method: str, path: str, **content: Any) -> "requests.Response":  # noqa: ANN401 - of requests
    """Ask through MLflow's own client, which adds login and certificates."""
    from mlflow.exceptions import MlflowException
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    limits: dict[str, Any] = {"timeout": ANSWER_SECONDS, "max_retries": 0, "raise_on_status": False}
    try:
        answer = http_request(get_default_host_creds(uri), f"/api/2.0/{path}", method, **limits, **content)
    except MlflowException as error:
        raise UserError(describe_network_error(str(error))) from None
    if not answer.ok:
        raise UserError(describe_refusal(answer.status_code, answer.text, MLFLOW_LOGIN))
    return answer


def _probe_database(uri: str) -> str:
    file = uri.partition(":///")[2] if uri.startswith("sqlite") else None
    if file and not Path(file).exists():  # connecting would create it
        return "does not exist yet: the first run makes it"
    query(uri, "SELECT version_num FROM alembic_version", "INSERT INTO registered_models (name) VALUES ('ftn-check')")
    return "reachable, readable, writable"
