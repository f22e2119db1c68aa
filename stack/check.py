"""Whether the configured services work, one line for each: ``python -m stack.check``.

Each is asked as the pipeline asks it, with its own client's settings; what could be written is written and deleted
again. Exit code 0 if all that is configured works, 2 otherwise. Nothing secret is printed: addresses lose user and
password, and texts of libraries, which repeat addresses, are read but not shown.
"""

import base64
import os
import queue
import ssl
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from ftn_core.addresses import shown
from ftn_core.network_faults import NO_ANSWER, SILENT, connection_fault, tls_fault
from ftn_core.s3_faults import fault
from tasks.tracking import EXPERIMENT, tracking_uri

if TYPE_CHECKING:
    import requests

CONNECT, READ = 3, 4
"""Seconds to wait for a connection, and for an answer."""
DEADLINE = 30
"""Seconds for all of it, for what no timeout reaches: a name server that is silent, a folder on a dead file server."""


class FaultError(Exception):
    """What is wrong, in words that may be shown."""


class Line(NamedTuple):
    """What is printed of one service."""

    works: bool
    what: str
    text: str

    def __str__(self) -> str:
        return f"{'ok   ' if self.works else 'FAULT'}  {self.what}: {self.text}"


Check = Callable[[], Iterator[Line]]


def line(what: str, address: str, probe: Callable[[], str]) -> Line:
    """What ``probe`` finds out, or the fault that it raises."""
    try:
        return Line(True, what, f"{address}: {probe()}")
    except FaultError as error:
        return Line(False, what, f"{address}: {error}")


def check_all(checks: dict[str, Check], deadline: float = DEADLINE) -> list[Line]:
    """Run the checks at the same time; lines come in the order of ``checks``."""
    done: queue.Queue[tuple[str, list[Line]]] = queue.Queue()

    def run(what: str, check: Check) -> None:
        try:
            lines = list(check())
        except Exception as error:  # a text of unknown making may hold a secret
            lines = [Line(False, what, f"the check itself failed: {type(error).__name__}")]
        done.put((what, lines))

    # daemons: what hangs must not keep the command from ending
    for what, check in checks.items():
        threading.Thread(target=run, args=(what, check), daemon=True).start()
    end = time.monotonic() + deadline
    found: dict[str, list[Line]] = {}
    while len(found) < len(checks):
        try:
            what, lines = done.get(timeout=max(0, end - time.monotonic()))
        except queue.Empty:
            break
        found[what] = lines
    silent = f"no result after {deadline:.0f} s"
    return [line for what in checks for line in found.get(what, [Line(False, what, silent)])]


# ---------------------------------------------------------------------------------------------------------- storage


@dataclass(frozen=True)
class S3Settings:
    """How a client comes to a bucket; what is left out, boto3's own chain decides."""

    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None
    credentials_file: str | None = None
    config_file: str | None = None
    key: str | None = None
    secret: str | None = None
    token: str | None = None
    anonymous: bool = False
    use_ssl: bool = True
    verify: bool | str | None = None

    def places(self) -> str:
        """Where credentials were looked for."""
        profile = self.profile or os.environ.get("AWS_PROFILE") or "default"
        credentials = os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or self.credentials_file or "~/.aws/credentials"
        config = os.environ.get("AWS_CONFIG_FILE") or self.config_file or "~/.aws/config"
        return (
            f"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, profile {profile} in {credentials} and {config}, "
            "the machine's role"
        )


def s3_line(what: str, url: str, settings: S3Settings, *, version_aware: bool = False) -> Line:
    """Look into ``s3://bucket/prefix``."""
    import boto3
    import botocore.session
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    where, origin = shown(url), ""
    try:
        session = botocore.session.Session(profile=settings.profile)
        # as DVC does it, the environment goes before a remote's own settings
        for name, variable, value in (
            ("credentials_file", "AWS_SHARED_CREDENTIALS_FILE", settings.credentials_file),
            ("config_file", "AWS_CONFIG_FILE", settings.config_file),
        ):
            if value and not os.environ.get(variable):
                session.set_config_variable(name, value)
        # asking for a role is for cloud machines, where the answer is near
        session.set_config_variable("metadata_service_timeout", 1)
        session.set_config_variable("metadata_service_num_attempts", 1)
        own = boto3.Session(settings.key, settings.secret, settings.token, botocore_session=session)
        config = Config(connect_timeout=CONNECT, read_timeout=READ, retries={"total_max_attempts": 1})
        if settings.anonymous:
            config = config.merge(Config(signature_version=UNSIGNED))
        client = own.client(
            "s3",
            region_name=settings.region,
            endpoint_url=settings.endpoint,
            use_ssl=settings.use_ssl,
            verify=settings.verify,
            config=config,
        )
        where += f" at {shown(client.meta.endpoint_url)}"
        credentials = None if settings.anonymous else own.get_credentials()
        if credentials is None and not settings.anonymous:
            return Line(False, what, f"{where}: no credentials found: looked at {settings.places()}")
        if credentials is not None:
            origin = " (credentials from DVC's config)" if settings.key else f" (credentials from {credentials.method})"
    # a ValueError: an endpoint that is no address
    except (BotoCoreError, ValueError) as error:
        return Line(False, what, f"{where}: {fault(error, 'read', bucket)}")
    return line(what, where + origin, lambda: probe_s3(client, bucket, prefix, version_aware=version_aware))


def probe_s3(client: Any, bucket: str, prefix: str, *, version_aware: bool) -> str:  # noqa: ANN401 - boto3 has no types
    """List, write, read and delete below the prefix."""
    folder = f"{prefix.rstrip('/')}/" if prefix else ""
    key, content = f"{folder}.ftn-check-{uuid.uuid4().hex}", uuid.uuid4().bytes
    _s3("list", bucket, lambda: client.list_objects_v2(Bucket=bucket, Prefix=folder, MaxKeys=1))
    versions = _versioning(client, bucket)
    try:
        put = _s3("write", bucket, lambda: client.put_object(Bucket=bucket, Key=key, Body=content))
    except FaultError as error:
        raise FaultError(f"reachable, readable, not writable: {error}; {versions}") from None
    # in a versioned bucket only deleting the version itself leaves nothing behind
    version = {"VersionId": put["VersionId"]} if put.get("VersionId") else {}
    try:
        read = _s3("read", bucket, lambda: client.get_object(Bucket=bucket, Key=key)["Body"].read())
    finally:
        try:
            _s3("delete", bucket, lambda: client.delete_object(Bucket=bucket, Key=key, **version))
        except FaultError as error:
            raise FaultError(f"reachable, writable, but {error}; {key} is left behind; {versions}") from None
    if read != content:
        raise FaultError("reachable, but what was written is not what is read back")
    if version_aware and versions != "versioned":
        raise FaultError(f"reachable, readable, writable, but {versions}, and the remote is version_aware")
    return f"reachable, readable, writable, {versions}"


def _versioning(client: Any, bucket: str) -> str:  # noqa: ANN401 - boto3 has no types
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        status = client.get_bucket_versioning(Bucket=bucket).get("Status")
    except ClientError:
        return "versioning unknown (the server does not tell this key)"
    except BotoCoreError as error:
        raise FaultError(fault(error, "read", bucket)) from None
    return {"Enabled": "versioned", "Suspended": "versioning suspended"}.get(status, "not versioned")


def _s3(action: str, bucket: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - boto3 has no types
    """One request, its errors as faults."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return call()
    except (BotoCoreError, ClientError) as error:
        raise FaultError(fault(error, action, bucket)) from None


def probe_folder(folder: Path) -> str:
    """Write, read and delete in a folder; one that is not there is only looked at, its first user creates it."""
    if not folder.exists():
        parent = next(parent for parent in folder.parents if parent.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK):
            raise FaultError(f"does not exist, and no permission to create it in {parent}")
        return "does not exist yet, can be created"
    if not folder.is_dir():
        raise FaultError("not a folder")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise FaultError("no permission to read")
    probe = folder / f".ftn-check-{uuid.uuid4().hex}"
    try:
        probe.write_bytes(b"ftn")
        probe.unlink()
    except OSError as error:
        raise FaultError(f"readable, not writable: {error.strerror}") from None
    return "reachable, readable, writable, not versioned (a folder)"


# -------------------------------------------------------------------------------------------------------------- DVC


def dvc_remote() -> Iterator[Line]:
    """The remote that ``dvc push`` and ``dvc pull`` go to."""
    from dvc.config import Config, ConfigError
    from dvc.fs import get_cloud_fs

    what = "DVC remote"
    try:
        config = Config.from_cwd()
        name = config["core"].get("remote")
        if not name:
            others = ", ".join(config["remote"])
            if others:
                yield Line(False, what, f"there is {others}, but none is the default: `dvc remote default NAME`")
            else:
                yield Line(True, what, "nothing configured: results stay in this machine's cache")
            return
        if name not in config["remote"]:
            yield Line(False, what, f"core.remote names {name}, which is not there: `dvc remote list`")
            return
        file_system, settings, path = get_cloud_fs(config, name=name)
    except ConfigError:  # its text repeats lines of the file
        yield Line(False, what, "its configuration is not valid: see .dvc/config, .dvc/config.local and ~/.config/dvc")
        return
    what += f" {name}"
    match file_system.protocol:
        case "s3":
            yield s3_line(what, f"s3://{path}", _dvc_s3(settings), version_aware=bool(settings.get("version_aware")))
        case "local":
            yield line(what, path, lambda: probe_folder(Path(path)))
        case other:
            yield Line(False, what, f"{other} remotes are unknown to this check: `dvc status --cloud` asks it")


def _dvc_s3(settings: dict[str, Any]) -> S3Settings:
    return S3Settings(
        endpoint=settings.get("endpointurl"),
        region=settings.get("region"),
        profile=settings.get("profile"),
        credentials_file=settings.get("credentialpath"),
        config_file=settings.get("configpath"),
        key=settings.get("access_key_id"),
        secret=settings.get("secret_access_key"),
        token=settings.get("session_token"),
        anonymous=bool(settings.get("allow_anonymous_login")),
        use_ssl=settings.get("use_ssl", True),
        verify=settings.get("ssl_verify"),
    )


# ----------------------------------------------------------------------------------------------------------- MLflow


def mlflow() -> Iterator[Line]:
    """The tracking server or database, and where artifacts go if that is somewhere else."""
    uri = tracking_uri()
    what = "MLflow"
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        yield Line(True, what, f"nothing configured (MLFLOW_TRACKING_URI): the embedded default, {uri}")
    elif uri.startswith(("http://", "https://")):
        server = _MLflow(uri)
        yield line(what, shown(uri), server.probe)
        if server.artifacts:
            yield _artifacts(server)
    elif uri.startswith(("sqlite", "postgresql", "mysql", "mssql")):
        yield line(what, shown(uri), lambda: _probe_database(uri))
    else:
        yield Line(False, what, f"MLFLOW_TRACKING_URI={shown(uri)}: neither http(s):// nor a database")


class _MLflow:
    """An MLflow server, asked with MLflow's own client: its login, its certificates."""

    def __init__(self, uri: str) -> None:
        from mlflow.utils.credentials import get_default_host_creds

        self._login = get_default_host_creds(uri)
        self.artifacts: str | None = None
        """Where the pipeline's artifacts go, once ``probe`` has asked."""

    def ask(self, method: str, path: str, **content: object) -> "requests.Response":
        from mlflow.exceptions import MlflowException
        from mlflow.utils.rest_utils import http_request

        try:
            return http_request(
                self._login,
                f"/api/2.0/{path}",
                method,
                max_retries=0,
                timeout=(CONNECT, READ),
                raise_on_status=False,
                **content,
            )
        except MlflowException as error:
            raise FaultError(_network_fault(str(error))) from None

    def probe(self) -> str:
        found = self._experiment("get-by-name", experiment_name=EXPERIMENT)
        if found.status_code == 404:  # no run yet: the default experiment shows where artifacts would go
            found = self._experiment("get", experiment_id="0")
        if found.ok:
            self.artifacts = found.json()["experiment"].get("artifact_location")
        # a registered model is the one thing that MLflow deletes for good
        name = {"name": f"ftn-check-{uuid.uuid4().hex}"}
        created = self.ask("POST", "mlflow/registered-models/create", json=name)
        if not created.ok:
            raise FaultError(f"reachable, readable, not writable: {_refusal(created, MLFLOW_LOGIN)}")
        deleted = self.ask("DELETE", "mlflow/registered-models/delete", json=name)
        if not deleted.ok:
            raise FaultError(f"writable, but deleting failed: registered model {name['name']} is left behind")
        return "reachable, readable, writable"

    def _experiment(self, call: str, **query: str) -> "requests.Response":
        answer = self.ask("GET", f"mlflow/experiments/{call}", params=query)
        # an unknown experiment is MLflow's own 404, with a code in JSON
        if not answer.ok and "RESOURCE_DOES_NOT_EXIST" not in answer.text:
            raise FaultError(_refusal(answer, MLFLOW_LOGIN))
        return answer

    def probe_artifacts(self, folder: str) -> str:
        """Write, read and delete a file in the store behind the server."""
        path = f"mlflow-artifacts/artifacts/{folder}/.ftn-check-{uuid.uuid4().hex}"
        content = uuid.uuid4().bytes
        for action, answer in (
            ("write", self.ask("PUT", path, data=content)),
            ("read", self.ask("GET", path)),
            ("delete", self.ask("DELETE", path)),
        ):
            if not answer.ok:
                raise FaultError(f"no {action}: {_refusal(answer, MLFLOW_LOGIN)}; the server's log says more")
            if action == "read" and answer.content != content:
                raise FaultError("what was written is not what is read back")
        return "reachable, readable, writable"


MLFLOW_LOGIN = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"


def _artifacts(server: _MLflow) -> Line:
    what, uri = "MLflow artifacts", server.artifacts or ""
    match urlsplit(uri).scheme:
        case "mlflow-artifacts":
            return line(what, f"{uri} behind the server", lambda: server.probe_artifacts(urlsplit(uri).path.strip("/")))
        case "s3":
            ignore = os.environ.get("MLFLOW_S3_IGNORE_TLS", "").lower() in ("true", "1")
            endpoint = os.environ.get("MLFLOW_S3_ENDPOINT_URL")
            return s3_line(what, uri, S3Settings(endpoint=endpoint, verify=False if ignore else None))
        case "" | "file":
            return line(what, uri, lambda: probe_folder(Path(urlsplit(uri).path)))
        case other:
            return Line(False, what, f"{shown(uri)}: {other} stores are unknown to this check")


def _probe_database(uri: str) -> str:
    """Read the schema's version, and insert a row that is rolled back."""
    import sqlalchemy as sql

    file = sql.make_url(uri).database if uri.startswith("sqlite") else None
    if file and not Path(file).exists():  # connecting would create it
        return probe_folder(Path(file))
    connect = {"connect_timeout": CONNECT} if uri.startswith("postgresql") else {}
    try:
        with sql.create_engine(uri, connect_args=connect).connect() as connection:
            connection.execute(sql.text("SELECT version_num FROM alembic_version"))
            name = f"ftn-check-{uuid.uuid4().hex}"
            connection.execute(sql.text("INSERT INTO registered_models (name) VALUES (:name)"), {"name": name})
            connection.rollback()
    except (sql.exc.SQLAlchemyError, ImportError) as error:
        text = str(error)
        if "password" in text or "authentication" in text:
            raise FaultError("wrong user or password") from None
        if "no such table" in text or "UndefinedTable" in text:
            raise FaultError("reachable, but not an MLflow database: `mlflow db upgrade` makes one") from None
        if "readonly" in text or "permission denied" in text:
            raise FaultError("reachable, no permission to write") from None
        raise FaultError(_network_fault(text)) from None
    return "reachable, readable, writable"


# ---------------------------------------------------------------------------------------------------------- Prefect


def prefect() -> Iterator[Line]:
    """The Prefect server; where it is and who we are, Prefect's settings say (environment, then profile)."""
    from prefect.settings import get_current_settings

    settings = get_current_settings().api
    if settings.url:
        yield line("Prefect", shown(settings.url), lambda: _probe_prefect(settings))
    else:
        yield Line(True, "Prefect", "nothing configured (PREFECT_API_URL): the embedded default, a server in each run")


def _probe_prefect(settings: Any) -> str:  # noqa: ANN401 - prefect's settings model
    import httpx

    headers = {}
    if settings.auth_string:
        login = base64.b64encode(settings.auth_string.get_secret_value().encode()).decode()
        headers = {"Authorization": f"Basic {login}"}
    elif settings.key:
        headers = {"Authorization": f"Bearer {settings.key.get_secret_value()}"}
    trusted = ssl.create_default_context(cafile=settings.ssl_cert_file)
    verify = False if settings.tls_insecure_skip_verify else trusted
    login_settings = "PREFECT_API_AUTH_STRING (user:password, the server's PREFECT_SERVER_API_AUTH_STRING)"
    try:
        with httpx.Client(headers=headers, verify=verify, timeout=httpx.Timeout(READ, connect=CONNECT)) as client:
            url = settings.url.rstrip("/")
            listed = client.post(f"{url}/variables/filter", json={"limit": 1})
            if listed.status_code != 200:
                raise FaultError(_refusal(listed, login_settings))
            created = client.post(f"{url}/variables/", json={"name": f"ftn_check_{uuid.uuid4().hex}", "value": "ftn"})
            if created.status_code != 201:
                raise FaultError(f"reachable, readable, not writable: {_refusal(created, login_settings)}")
            variable = created.json()
            if client.delete(f"{url}/variables/{variable['id']}").status_code != 204:
                raise FaultError(f"writable, but deleting failed: variable {variable['name']} is left behind")
    except httpx.ConnectTimeout:
        raise FaultError(NO_ANSWER) from None
    except httpx.TimeoutException:
        raise FaultError(SILENT) from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise FaultError(_network_fault(str(error))) from None
    return "reachable, readable, writable"


# ------------------------------------------------------------------------------------------------------------ words


def _refusal(answer: Any, login: str) -> str:  # noqa: ANN401 - of requests or httpx
    """What an HTTP answer other than success means."""
    if answer.status_code == 401:
        return f"the server wants a login, and ours is missing or wrong: {login}"
    if answer.status_code == 403 and "host" in answer.text.lower():
        return "the server does not answer to this host name: see its --allowed-hosts"
    if answer.status_code == 403:
        return "no permission: the server knows the user but does not allow it"
    if answer.status_code in (404, 405):
        return f"something answers {answer.status_code}, but not this service: check host, port and path"
    return f"the server answers {answer.status_code}"


def _network_fault(text: str) -> str:
    """What a library's text about a failed request means; the text itself may hold a password."""
    if "SSL" in text:
        return tls_fault(text)
    if "ead timed out" in text:
        return SILENT
    return connection_fault(text)


def main() -> None:
    """Print the lines; exit code 2 if one is a fault."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    lines = check_all({"DVC remote": dvc_remote, "MLflow": mlflow, "Prefect": prefect})
    print("\n".join(map(str, lines)), flush=True)
    sys.exit(0 if all(line.works for line in lines) else 2)


if __name__ == "__main__":
    main()
