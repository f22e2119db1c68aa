"""Checks MLflow's tracking server or database, and the store of its artifacts if that is somewhere else."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ftn_core.utils.urls import redact_url
from registry.server import EXPERIMENT, tracking_uri
from stack.check import messages, timeouts
from stack.check.report import CheckError, CheckResult, run_probe
from stack.check.storage import check_bucket, probe_folder

if TYPE_CHECKING:
    import requests

MLFLOW_LOGIN = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"


def check() -> Iterator[CheckResult]:
    """Check the server or database that ``MLFLOW_TRACKING_URI`` names."""
    uri = tracking_uri()
    service = "MLflow"
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        yield CheckResult(True, service, f"nothing configured (MLFLOW_TRACKING_URI): the embedded default, {uri}")
    elif uri.startswith(("http://", "https://")):
        server = _Server(uri)
        yield run_probe(service, redact_url(uri), server.probe)
        if server.artifacts:
            yield _artifacts(server, server.artifacts)
    elif uri.startswith(("sqlite", "postgresql", "mysql", "mssql")):
        yield run_probe(service, redact_url(uri), lambda: _probe_database(uri))
    else:
        yield CheckResult(False, service, f"MLFLOW_TRACKING_URI={redact_url(uri)}: neither http(s):// nor a database")


class _Server:
    """An MLflow server, asked through MLflow's own client, which adds login and certificates."""

    def __init__(self, uri: str) -> None:
        from mlflow.utils.credentials import get_default_host_creds

        self._login = get_default_host_creds(uri)
        self.artifacts: str | None = None
        """Where the pipeline's artifacts are stored; ``probe`` finds it out."""

    def _ask(self, method: str, path: str, **content: Any) -> "requests.Response":  # noqa: ANN401 - of requests
        from mlflow.exceptions import MlflowException
        from mlflow.utils.rest_utils import http_request

        limits: dict[str, Any] = {
            "max_retries": 0,
            "timeout": (timeouts.CONNECT_SECONDS, timeouts.READ_SECONDS),
            "raise_on_status": False,
        }
        try:
            return http_request(self._login, f"/api/2.0/{path}", method, **limits, **content)
        except MlflowException as error:
            raise CheckError(messages.describe_network_error(str(error))) from None

    def probe(self) -> str:
        found = self._experiment("get-by-name", experiment_name=EXPERIMENT)
        if found.status_code == 404:  # no run yet: artifacts will be stored as those of the default experiment
            found = self._experiment("get", experiment_id="0")
        if found.ok:
            self.artifacts = found.json()["experiment"].get("artifact_location")
        # a registered model is the only thing that MLflow deletes permanently
        name = {"name": f"ftn-check-{uuid.uuid4().hex}"}
        created = self._ask("POST", "mlflow/registered-models/create", json=name)
        if not created.ok:
            raise CheckError(f"reachable, readable, not writable: {messages.describe_refusal(created, MLFLOW_LOGIN)}")
        if not self._ask("DELETE", "mlflow/registered-models/delete", json=name).ok:
            raise CheckError(f"writable, but deleting failed: registered model {name['name']} is left behind")
        return "reachable, readable, writable"

    def _experiment(self, call: str, **query: str) -> "requests.Response":
        answer = self._ask("GET", f"mlflow/experiments/{call}", params=query)
        # for an unknown experiment, MLflow answers 404 with this code in JSON
        if not answer.ok and "RESOURCE_DOES_NOT_EXIST" not in answer.text:
            raise CheckError(messages.describe_refusal(answer, MLFLOW_LOGIN))
        return answer

    def probe_artifacts(self, folder: str) -> str:
        """Write, read and delete a file in the store behind the server."""
        path = f"mlflow-artifacts/artifacts/{folder}/.ftn-check-{uuid.uuid4().hex}"
        content = uuid.uuid4().bytes
        for action, method in {"write": "PUT", "read": "GET", "delete": "DELETE"}.items():
            answer = self._ask(method, path, **({"data": content} if action == "write" else {}))
            if not answer.ok:
                raise CheckError(
                    f"no {action}: {messages.describe_refusal(answer, MLFLOW_LOGIN)}; the server's log says more"
                )
            if action == "read" and answer.content != content:
                raise CheckError("what was written is not what is read back")
        return "reachable, readable, writable"


def _artifacts(server: _Server, uri: str) -> CheckResult:
    service = "MLflow artifacts"
    match urlsplit(uri).scheme:
        case "mlflow-artifacts":
            return run_probe(
                service, f"{uri} behind the server", lambda: server.probe_artifacts(urlsplit(uri).path.strip("/"))
            )
        case "s3":
            ignore = os.environ.get("MLFLOW_S3_IGNORE_TLS", "").lower() in ("true", "1")
            endpoint = os.environ.get("MLFLOW_S3_ENDPOINT_URL")
            return check_bucket(service, uri, {"endpointurl": endpoint, "ssl_verify": False if ignore else None})
        case "" | "file":
            return run_probe(service, uri, lambda: probe_folder(Path(urlsplit(uri).path)))
        case other:
            return CheckResult(False, service, f"{redact_url(uri)}: {other} stores are unknown to this check")


def _probe_database(uri: str) -> str:
    """Read the schema's version, and insert a row that is rolled back."""
    import sqlalchemy as sql

    file = sql.make_url(uri).database if uri.startswith("sqlite") else None
    if file and not Path(file).exists():  # connecting would create it
        return probe_folder(Path(file))
    connect = {"connect_timeout": timeouts.CONNECT_SECONDS} if uri.startswith("postgresql") else {}
    try:
        with sql.create_engine(uri, connect_args=connect).connect() as connection:
            connection.execute(sql.text("SELECT version_num FROM alembic_version"))
            connection.execute(sql.text("INSERT INTO registered_models (name) VALUES ('ftn-check')"))
            connection.rollback()
    except (sql.exc.SQLAlchemyError, ImportError) as error:
        raise CheckError(messages.describe_database_error(str(error))) from None
    return "reachable, readable, writable"
