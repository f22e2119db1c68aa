"""The check against a real S3 server, and against servers that fail in known ways."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.loaders import create_loader
from ports import free_ports
from prefect.settings import Settings as PrefectSettings
from project import ROOT
from s3 import ADMIN, READER, User, without_ambient_credentials

from stack import postgres as postgres_server
from stack.check import __main__ as command
from stack.check import dvc, mlflow, postgres, prefect, timeouts
from stack.check.report import check_all
from stack.settings import Settings

SECRET = "planted"
"""Part of every secret in these tests; no printed line may contain it."""
LOADER = create_loader()


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """An empty project, without any setting of the person who runs the tests."""
    without_ambient_credentials(monkeypatch, tmp_path)
    for name in [name for name in os.environ if name.startswith(("MLFLOW_", "PREFECT_", "DVC_", "FTN_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "global"))
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(tmp_path / "system"))
    # botocore reads a megabyte of descriptions for each session
    monkeypatch.setattr("botocore.session.create_loader", lambda _: LOADER)
    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def prefect_settings(monkeypatch):
    """Sets Prefect's address and login; Prefect reads its settings once in a process."""

    def prefect_settings(url, login=None):
        settings = PrefectSettings(api={"url": url, "auth_string": login})
        monkeypatch.setattr("prefect.settings.get_current_settings", lambda: settings)

    return prefect_settings


@pytest.fixture(scope="module")
def buckets(s3):
    s3.bucket("check-plain")
    s3.bucket("check-versioned", versioned=True)
    return s3


def remote(project, url, user=None, **settings):
    """Configure DVC's remote ``store``: its address in the shared file, user and settings in the local one."""
    (project / ".dvc" / "config").write_text(f"[core]\n    remote = store\n['remote \"store\"']\n    url = {url}\n")
    if user:
        settings |= {"access_key_id": user.key, "secret_access_key": user.secret}
    lines = [f"    {key} = {value}\n" for key, value in settings.items()]
    (project / ".dvc" / "config.local").write_text("['remote \"store\"']\n" + "".join(lines))


def ask(service):
    """The only result of one service, as it is printed."""
    began = time.monotonic()
    (result,) = check_all({"service": service})
    assert time.monotonic() - began < 12, "a dead server must not delay the command"
    print(result)
    assert SECRET not in str(result)
    return str(result)


def test_nothing_configured(project):
    assert ask(dvc.check) == "ok     DVC remote: nothing configured: results stay in this machine's cache"
    assert ask(mlflow.check).startswith("ok     MLflow: nothing configured (MLFLOW_TRACKING_URI): the embedded default")


def test_a_teams_own_remote_is_asked_before_anything_is_set_up(project, buckets, monkeypatch):
    for name, value in (buckets.environment() | {"FTN_REMOTE": "s3://check-plain/new"}).items():
        monkeypatch.setenv(name, value)
    assert ask(dvc.check) == (
        f"ok     DVC remote, not set yet: s3://check-plain/new at {buckets.endpoint} (credentials from env): "
        "reachable, readable, writable, not versioned"
    )
    monkeypatch.setenv("FTN_REMOTE", "s3://check-nowhere/new")
    assert "check-nowhere" in ask(dvc.check) and ask(dvc.check).startswith("FAILED")


@pytest.mark.parametrize(("bucket", "versions"), [("check-plain", "not versioned"), ("check-versioned", "versioned")])
def test_a_bucket_that_works_and_is_left_as_it_was(project, buckets, bucket, versions):
    remote(project, f"s3://{bucket}/team/ftn", ADMIN, endpointurl=buckets.endpoint)
    assert ask(dvc.check) == (
        f"ok     DVC remote store: s3://{bucket}/team/ftn at {buckets.endpoint} (credentials from DVC's config): "
        f"reachable, readable, writable, {versions}"
    )
    left = buckets.client().list_object_versions(Bucket=bucket, Prefix="team/ftn")
    assert not {"Versions", "DeleteMarkers"} & set(left)


def test_a_remote_that_wants_versions_from_a_bucket_that_keeps_none(project, buckets):
    remote(project, "s3://check-plain/x", ADMIN, endpointurl=buckets.endpoint, version_aware="true")
    assert "writable, but not versioned, and the remote is version_aware" in ask(dvc.check)


@pytest.mark.parametrize(
    ("user", "bucket", "expected"),
    [
        (READER, "check-plain", "reachable, readable, not writable: no permission to write: the server knows the key"),
        (User("nobody", SECRET), "check-plain", "bad key id: the server does not know this access key id"),
        (User(ADMIN.key, SECRET), "check-plain", "wrong secret: the secret access key does not belong to the"),
        (ADMIN, "check-missing", "missing bucket: there is no bucket check-missing on this server"),
    ],
)
def test_failures_of_users_and_buckets(project, buckets, user, bucket, expected):
    remote(project, f"s3://{bucket}/x", user, endpointurl=buckets.endpoint)
    line = ask(dvc.check)
    assert line.startswith("FAILED DVC remote store: s3://")
    assert expected in line


def test_credentials_of_a_profile_in_a_file_of_its_own(project, buckets):
    credentials = project / "credentials"
    credentials.write_text(f"[team]\naws_access_key_id = {ADMIN.key}\naws_secret_access_key = {ADMIN.secret}\n")
    settings = {"endpointurl": buckets.endpoint, "profile": "team", "credentialpath": credentials}
    remote(project, "s3://check-plain/x", **settings)
    assert "(credentials from shared-credentials-file): reachable, readable, writable" in ask(dvc.check)
    remote(project, "s3://check-plain/x", **settings | {"profile": "absent"})
    assert "no profile absent" in ask(dvc.check)
    credentials.write_text("[team]\nregion = us-east-1\n")
    remote(project, "s3://check-plain/x", **settings)
    places = f"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, profile team in {credentials} and ~/.aws/config"
    assert f"no credentials found: looked at {places}" in ask(dvc.check)
    credentials.write_text(f"[team]\naws_access_key_id = {ADMIN.key}\n")
    half = "half of the credentials: aws_secret_access_key is missing in shared-credentials-file"
    assert half in ask(dvc.check)


def test_the_environment_says_where_if_the_remote_does_not(project, buckets, monkeypatch):
    for name, value in buckets.environment().items():
        monkeypatch.setenv(name, value)
    remote(project, "s3://check-plain/x")
    assert f"at {buckets.endpoint} (credentials from env): reachable, readable, writable" in ask(dvc.check)


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("http://user:planted@127.0.0.1:1", r"at http://\*\*\*@127.0.0.1:1 .*unreachable: the connection was refused"),
        ("http://nowhere.invalid", "unreachable: unknown host, the name does not resolve"),
        ("nowhere", "the endpoint is no address"),
    ],
)
def test_endpoints_that_do_not_exist(project, endpoint, expected):
    remote(project, "s3://check-plain/x", ADMIN, endpointurl=endpoint)
    assert re.search(expected, ask(dvc.check))


class Answering:
    """An HTTP server that gives ``answer(method, path)`` = status, headers, body; or stays silent."""

    def __init__(self, answer):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def respond(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers, body = answer(self.command, self.path)
                self.send_response_only(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(BrokenPipeError):  # the client has given up
                    self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = respond  # noqa: N815 - http.server's names

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def serve():
    servers = []

    def serve(answer):
        servers.append(Answering(answer))
        return servers[-1].url

    yield serve
    for server in servers:
        server.server.shutdown()
        server.server.server_close()


@pytest.mark.parametrize(("offset", "direction", "states_time"), [(-1200, "behind", True), (5000, "ahead", False)])
def test_clock_skew(project, serve, offset, direction, states_time):
    def refuse(method, path):
        now = datetime.now(UTC)
        there = now - timedelta(seconds=offset)
        stated = f"<ServerTime>{there:%Y-%m-%dT%H:%M:%SZ}</ServerTime>" if states_time else ""
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>RequestTimeTooSkewed</Code><Message>The difference '
            "between the request time and the current time is too large.</Message>"
            f"<RequestTime>{now:%Y%m%dT%H%M%SZ}</RequestTime>{stated}"
            "<MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds><RequestId>4442587FB7D0A2F9</RequestId>"
            "<HostId>vwv0tIAfcDhPRYB5Ysm0</HostId></Error>"
        )
        headers = {
            "x-amz-request-id": "4442587FB7D0A2F9",
            "Content-Type": "application/xml",
            "Date": format_datetime(there, usegmt=True),
            "Server": "AmazonS3",
        }
        return 403, headers, body.encode()

    remote(project, "s3://check-plain/x", ADMIN, endpointurl=serve(refuse))
    seconds, found = re.search(r"clock skew: this machine's clock is (\d+) s (\w+)", ask(dvc.check)).groups()
    assert found == direction
    assert abs(int(seconds) - abs(offset)) <= 2


def test_a_server_that_is_no_s3_server_and_one_that_speaks_no_tls(project, serve):
    url = serve(lambda method, path: (404, {}, b"not here"))
    remote(project, "s3://check-plain/x", ADMIN, endpointurl=url)
    assert "answers 404 404: is this an S3 server?" in ask(dvc.check)
    remote(project, "s3://check-plain/x", ADMIN, endpointurl=url.replace("http:", "https:"))
    assert "TLS: the server does not speak TLS on this port" in ask(dvc.check)


def test_a_server_that_is_silent(project, serve, prefect_settings, monkeypatch):
    monkeypatch.setattr(timeouts, "READ_SECONDS", 0.2)
    hold = threading.Event()
    url = serve(lambda method, path: (200 if hold.wait(5) else 500, {}, b""))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
    remote(project, "s3://check-plain/x", ADMIN, endpointurl=url)
    prefect_settings(f"{url}/api")
    for service in (dvc.check, mlflow.check, prefect.check):
        assert "connected, but no answer within the time limit" in ask(service)
    hold.set()


def test_folders(project):
    remote(project, project / "store")
    assert ask(dvc.check).endswith(f"{project / 'store'}: does not exist yet, can be created")
    (project / "store").mkdir()
    assert ask(dvc.check).endswith("reachable, readable, writable, not versioned (a folder)")
    assert list((project / "store").iterdir()) == []
    remote(project, project / ".dvc" / "config")
    assert ask(dvc.check).endswith("config: not a folder")


def test_errors_in_dvcs_configuration(project):
    config = project / ".dvc" / "config"
    config.write_text("[core]\n    remote = store\n")
    assert "core.remote names store, which is not there" in ask(dvc.check)
    config.write_text("['remote \"store\"']\n    url = s3://a/b\n")
    assert "there is store, but none is the default" in ask(dvc.check)
    config.write_text(f"['remote \"store\"']\n    url = s3://a/b\nsecret_access_key {SECRET}\n")
    assert "its configuration is not valid" in ask(dvc.check)


class MLflowServer:
    """MLflow's answers to what the check asks, as 3.17 gives them."""

    def __init__(self):
        self.location = "mlflow-artifacts:/1"
        self.refuse = {}  # by a part of the path: the status to refuse with
        self.stored, self.asked = b"", []

    def __call__(self, method, path):
        self.asked.append(f"{method} {path.split('?')[0]}")
        for part, status in self.refuse.items():
            if part in path:
                return status, {}, b'{"error_code": "PERMISSION_DENIED", "message": "Permission denied"}'
        if "experiments/get-by-name" in path:
            return 404, {}, json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST"}).encode()
        if "experiments/get" in path:
            return 200, {}, json.dumps({"experiment": {"artifact_location": self.location}}).encode()
        return 200, {}, b"{}"


def test_mlflow(project, serve, monkeypatch):
    server = MLflowServer()
    url = serve(server).replace("//", "//user:planted@")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
    server.location = str(project / "artifacts")
    first, second = check_all({"mlflow": mlflow.check})
    assert str(first).startswith("ok     MLflow: http://***@127.0.0.1:")
    assert str(second) == f"ok     MLflow artifacts: {server.location}: does not exist yet, can be created"
    assert server.asked[-2:] == [
        "POST /api/2.0/mlflow/registered-models/create",
        "DELETE /api/2.0/mlflow/registered-models/delete",
    ]
    server.location = "mlflow-artifacts:/1"
    server.refuse = {"artifacts/artifacts": 500}
    line = str(check_all({"mlflow": mlflow.check})[1])
    assert line.startswith("FAILED MLflow artifacts: mlflow-artifacts:/1 behind the server: no write: ")
    server.refuse = {"registered-models/create": 403}
    assert "reachable, readable, not writable: no permission" in str(check_all({"mlflow": mlflow.check})[0])
    server.refuse = {"": 401}
    assert "asks for a login, and ours is missing or wrong: MLFLOW_TRACKING_USERNAME" in ask(mlflow.check)
    server.refuse = {"": 404}
    assert "something answers 404, but not this service" in ask(mlflow.check)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:{SECRET}@127.0.0.1:{free_ports(1)[0]}")
    assert "unreachable: the connection was refused" in ask(mlflow.check)


def test_mlflow_artifacts_in_a_bucket(buckets, serve, monkeypatch):
    server = MLflowServer()
    server.location = "s3://check-plain/mlflow"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", serve(server))
    for name, value in buckets.environment(READER).items():
        monkeypatch.setenv(name, value)
    _, line = check_all({"mlflow": mlflow.check})
    assert str(line).startswith("FAILED MLflow artifacts: s3://check-plain/mlflow at")
    assert "not writable: no permission to write" in str(line)


def test_mlflow_in_a_database(project, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project / 'new.db'}")
    assert ask(mlflow.check).endswith("new.db: does not exist yet, can be created")
    (project / "new.db").touch()
    assert "not an MLflow database" in ask(mlflow.check)
    (port,) = free_ports(1)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql://user:{SECRET}@127.0.0.1:{port}/mlflow")
    assert f"postgresql://***@127.0.0.1:{port}/mlflow: unreachable: the connection was refused" in ask(mlflow.check)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "mlruns")
    assert "MLFLOW_TRACKING_URI=mlruns: neither" in ask(mlflow.check)


@pytest.fixture
def database(project, monkeypatch):
    """Settings of a PostgreSQL server of its own."""
    (port,) = free_ports(1)
    # a folder that PostgreSQL's system user can read: pytest closes its own folders to others
    folder = tempfile.TemporaryDirectory(prefix="ftn-postgres-")
    monkeypatch.chdir(folder.name)
    settings = Settings(postgres_port=port)
    user = postgres_server.initialise(settings)
    with (project / "log").open("w") as log:
        process = subprocess.Popen(postgres_server.command(settings), user=user, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 30
        while not postgres_server.is_ready(settings):
            assert time.monotonic() < end, (project / "log").read_text()
            time.sleep(0.05)
        yield settings
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()
        folder.cleanup()


def test_postgres(database, monkeypatch):
    import psycopg2

    def at(user, password, port=database.postgres_port):
        monkeypatch.setenv("FTN_POSTGRES_URL", f"postgresql://{user}:{password}@127.0.0.1:{port}")
        return ask(postgres.check)

    assert check_all({"PostgreSQL": postgres.check}) == []
    where = f"PostgreSQL: postgresql://***@127.0.0.1:{database.postgres_port}"
    owner = database.postgres_password
    assert at("postgres", SECRET) == f"FAILED {where}: wrong user or password"
    can = f"ok     {where}: reachable, database mlflow can be created, database prefect can be created"
    assert at("postgres", owner) == can
    postgres_server.create_databases(database, "mlflow")
    assert at("postgres", owner) == can.replace("mlflow can be created", "mlflow is there")
    connection = psycopg2.connect(database.database("postgres"))
    connection.autocommit = True
    connection.cursor().execute(f"CREATE ROLE guest LOGIN PASSWORD '{SECRET}'")
    assert at("guest", SECRET).endswith("reachable, but this user may not create tables in the database mlflow")
    connection.cursor().execute("DROP DATABASE mlflow")
    assert at("guest", SECRET).endswith("there is no database mlflow, and this user may not create it")
    connection.close()
    assert at("guest", SECRET, free_ports(1)[0]).endswith(
        "unreachable: the connection was refused, nothing listens there"
    )


def test_prefect(serve, prefect_settings):
    answers = {"POST": (200, {}, b"[]"), "DELETE": (204, {}, b"")}

    def answer(method, path):
        created = (201, {}, b'{"id": "1", "name": "ftn_check"}')
        return created if path == "/api/variables/" and answers["POST"][0] == 200 else answers[method]

    prefect_settings(f"{serve(answer)}/api", f"admin:{SECRET}")
    assert ask(prefect.check).endswith("/api: reachable, readable, writable")
    answers["POST"] = (401, {}, b"{}")
    assert "asks for a login, and ours is missing or wrong: PREFECT_API_AUTH_STRING" in ask(prefect.check)
    answers["POST"] = (404, {}, b"{}")
    assert "something answers 404, but not this service" in ask(prefect.check)


def test_an_unexpected_error_and_a_check_that_hangs_give_a_result(project):
    def fails():
        raise RuntimeError(SECRET)
        yield

    def hangs():
        time.sleep(5)
        yield

    lines = check_all({"a": hangs, "b": fails}, deadline=0.3)
    assert [str(line) for line in lines] == [
        "FAILED a: no result after 0 s",
        "FAILED b: the check itself failed: RuntimeError",
    ]


def test_the_exit_code_is_0_if_all_that_is_configured_works(project, buckets, capsys):
    remote(project, "s3://check-plain/x", ADMIN, endpointurl=buckets.endpoint)
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:12] for line in lines] == ["ok     DVC r", "ok     MLflo", "ok     Prefe"]


def test_the_command_reads_env_first(project):
    (port,) = free_ports(1)
    login = f"PREFECT_API_AUTH_STRING=admin:{SECRET}\n"
    (project / ".env").write_text(f"MLFLOW_TRACKING_URI=mlruns\nPREFECT_API_URL=http://127.0.0.1:{port}/api\n{login}")
    ended = subprocess.run(
        [sys.executable, "-m", "stack.check"],
        cwd=project, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (2, "")
    assert [line[:12] for line in ended.stdout.splitlines()] == ["ok     DVC r", "FAILED MLflo", "FAILED Prefe"]
    assert "/api: unreachable: the connection was refused" in ended.stdout
    assert SECRET not in ended.stdout
