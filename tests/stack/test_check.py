"""The check against a real S3 server and PostgreSQL, and against servers that fail in known ways.

MLflow and Prefect that work, or refuse a password: tests/stack/test_team.py.
"""

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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2
import pytest
from ports import free_ports
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from project import ROOT
from s3 import ADMIN, READER, User, without_ambient_credentials

from stack import postgres as postgres_server
from stack.check import __main__ as command
from stack.settings import Settings, write_private

SECRET = "planted"
"""Part of every secret in these tests; no printed line may contain it."""


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """An empty project, without any setting of the person who runs the tests."""
    without_ambient_credentials(monkeypatch, tmp_path)
    for name in [name for name in os.environ if name.startswith(("MLFLOW_", "PREFECT_", "DVC_", "FTN_"))]:
        monkeypatch.delenv(name)
    for name, value in command.NO_RETRIES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "global"))
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(tmp_path / "system"))
    monkeypatch.setattr("stack.check.storage.ANSWER_SECONDS", 1)
    monkeypatch.setattr("stack.check.mlflow.ANSWER_SECONDS", 1)
    monkeypatch.setattr("stack.check.prefect.ANSWER_SECONDS", 1)
    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def buckets(s3):
    s3.bucket("check-plain")
    s3.bucket("check-versioned", versioned=True)
    return s3


@pytest.fixture
def ask(capsys):
    """Ask a service for its line."""

    def ask(service):
        began = time.monotonic()
        works = command.check_service(service)
        assert time.monotonic() - began < 12, "a dead server must not delay the command"
        (line,) = capsys.readouterr().out.splitlines()
        assert SECRET not in line
        assert works == line.startswith("ok     ")
        return line

    return ask


@pytest.fixture
def serve():
    """Start HTTP servers that give ``answer(path)`` = status, headers, body."""
    servers = []

    def serve(answer):
        class Handler(BaseHTTPRequestHandler):
            def respond(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers, body = answer(self.path)
                with suppress(OSError):  # the client has given up
                    self.send_response_only(status)
                    for name, value in {"Content-Length": str(len(body)), **headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = respond  # noqa: N815 - http.server's names

            def log_message(self, *_):
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def remote(project, url, user=None, **settings):
    """Configure DVC's remote ``store``: its address in the shared file, user and settings in the local one."""
    (project / ".dvc" / "config").write_text(f"[core]\n    remote = store\n['remote \"store\"']\n    url = {url}\n")
    if user:
        settings |= {"access_key_id": user.key, "secret_access_key": user.secret}
    lines = [f"    {key} = {value}\n" for key, value in settings.items()]
    (project / ".dvc" / "config.local").write_text("['remote \"store\"']\n" + "".join(lines))


@pytest.mark.parametrize(("bucket", "versions"), [("check-plain", "not versioned"), ("check-versioned", "versioned")])
def test_a_bucket_that_works_and_is_left_as_it_was(project, buckets, ask, bucket, versions):
    remote(project, f"s3://{bucket}/team/ftn", ADMIN, endpointurl=buckets.endpoint)
    assert ask("DVC remote") == (
        f"ok     DVC remote: store, s3://{bucket}/team/ftn at {buckets.endpoint}: reachable, readable, writable, "
        f"{versions}"
    )
    left = buckets.client().list_object_versions(Bucket=bucket, Prefix="team/ftn")
    assert not {"Versions", "DeleteMarkers"} & set(left)


def test_a_remote_that_wants_versions_from_a_bucket_that_keeps_none(project, buckets, ask):
    remote(project, "s3://check-plain/x", ADMIN, endpointurl=buckets.endpoint, version_aware="true")
    assert "writable, but not versioned, and the remote is version_aware" in ask("DVC remote")


@pytest.mark.parametrize(
    ("user", "bucket", "expected"),
    [
        (READER, "check-plain", "no permission to write: the server knows the key"),
        (User("nobody", SECRET), "check-plain", "bad key id: the server does not know this access key id"),
        (User(ADMIN.key, SECRET), "check-plain", "wrong secret: the secret access key does not belong to the"),
        (ADMIN, "check-missing", "missing bucket: there is no bucket check-missing on this server"),
        (None, "check-plain", "no credentials found: looked at AWS_ACCESS_KEY_ID"),
    ],
)
def test_users_and_buckets_that_are_refused(project, buckets, ask, user, bucket, expected):
    remote(project, f"s3://{bucket}/x", user, endpointurl=buckets.endpoint)
    line = ask("DVC remote")
    assert line.startswith("FAILED DVC remote: store, s3://")
    assert expected in line


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("http://user:planted@127.0.0.1:1", r"at http://\*\*\*@127.0.0.1:1: unreachable: the connection was refused"),
        ("http://nowhere.invalid", "unreachable: unknown host, the name does not resolve"),
        ("nowhere", "the endpoint is no address"),
    ],
)
def test_endpoints_that_do_not_exist(project, ask, endpoint, expected):
    remote(project, "s3://check-plain/x", ADMIN, endpointurl=endpoint)
    assert re.search(expected, ask("DVC remote"))


def test_an_endpoint_that_is_no_s3_server_or_speaks_no_tls(project, serve, ask):
    url = serve(lambda path: (404, {}, b"not here"))
    remote(project, "s3://check-plain/x", ADMIN, endpointurl=url)
    assert "answers 404 404: is this an S3 server?" in ask("DVC remote")
    remote(project, "s3://check-plain/x", ADMIN, endpointurl=url.replace("http:", "https:"))
    assert "TLS: the server does not speak TLS on this port" in ask("DVC remote")


@pytest.mark.parametrize(("offset", "direction"), [(-1200, "behind"), (5000, "ahead")])
def test_a_clock_that_is_wrong(project, serve, ask, offset, direction):
    def refuse(path):
        there = datetime.now(UTC) - timedelta(seconds=offset)
        stated = f"<ServerTime>{there:%Y-%m-%dT%H:%M:%SZ}</ServerTime>"
        body = f'<?xml version="1.0"?>\n<Error><Code>RequestTimeTooSkewed</Code>{stated}</Error>'
        return 403, {"Content-Type": "application/xml"}, body.encode()

    remote(project, "s3://check-plain/x", ADMIN, endpointurl=serve(refuse))
    seconds, found = re.search(r"clock skew: this machine's clock is (\d+) s (\w+)", ask("DVC remote")).groups()
    assert found == direction
    assert abs(int(seconds) - abs(offset)) <= 2


def test_a_teams_own_remote_is_asked_before_anything_is_set_up(buckets, ask, monkeypatch):
    assert ask("DVC remote") == "ok     DVC remote: nothing configured: results stay in this machine's cache"
    for name, value in (buckets.environment() | {"FTN_REMOTE": "s3://check-plain/new"}).items():
        monkeypatch.setenv(name, value)
    assert ask("DVC remote").startswith(f"ok     DVC remote: not set yet, s3://check-plain/new at {buckets.endpoint}: ")
    monkeypatch.setenv("FTN_REMOTE", "s3://check-nowhere/new")
    assert "missing bucket: there is no bucket check-nowhere" in ask("DVC remote")


def test_folders(project, ask):
    remote(project, project / "store")
    assert ask("DVC remote").endswith(f"{project / 'store'}: does not exist yet: the first push makes it")
    (project / "store").mkdir()
    assert ask("DVC remote").endswith("reachable, readable, writable")
    assert list((project / "store").iterdir()) == []
    remote(project, project / ".dvc" / "config")
    assert ask("DVC remote").endswith("config: not a folder")


def test_errors_in_dvcs_configuration(project, ask):
    config = project / ".dvc" / "config"
    config.write_text("[core]\n    remote = store\n")
    assert "core.remote names store, which is not there" in ask("DVC remote")
    config.write_text("['remote \"store\"']\n    url = s3://a/b\n")
    assert "there is store, but none is the default" in ask("DVC remote")
    config.write_text(f"['remote \"store\"']\n    url = s3://a/b\nsecret_access_key {SECRET}\n")
    assert "its configuration is not valid" in ask("DVC remote")


def test_servers_that_are_silent_or_another(project, serve, ask, monkeypatch):
    hold = threading.Event()

    def answer(path):
        hold.wait(5)
        return 404, {}, b"{}"

    url = serve(answer)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url.replace("//", f"//user:{SECRET}@"))
    remote(project, "s3://check-plain/x", ADMIN, endpointurl=url)
    with temporary_settings({PREFECT_API_URL: f"{url}/api", PREFECT_CLIENT_MAX_RETRIES: 0}):
        for service in ("DVC remote", "MLflow", "Prefect"):
            assert "connected, but no answer within the time limit" in ask(service)
        hold.set()
        for service in ("MLflow", "Prefect"):
            assert "something answers 404, but not this service: check host, port and path" in ask(service)


def test_a_store_of_artifacts_that_cannot_be_written(serve, ask, monkeypatch):
    experiment = b'{"experiment": {"artifact_location": "mlflow-artifacts:/0"}}'
    monkeypatch.setenv(
        "MLFLOW_TRACKING_URI", serve(lambda path: (500 if "/artifacts/" in path else 200, {}, experiment))
    )
    line = ask("MLflow")
    assert "writable, but its artifacts at mlflow-artifacts:/0 are not: the server answers 500: its log" in line


def test_mlflow_in_a_database(project, ask, monkeypatch):
    assert "nothing configured (MLFLOW_TRACKING_URI): the embedded default" in ask("MLflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project / 'new.db'}")
    assert ask("MLflow").endswith("new.db: does not exist yet: the first run makes it")
    (project / "new.db").touch()
    assert "not an MLflow database" in ask("MLflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "mlruns")
    assert "MLFLOW_TRACKING_URI=mlruns: neither" in ask("MLflow")


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


def test_postgres(database, ask, monkeypatch):
    def at(user, password, port=database.postgres_port):
        monkeypatch.setenv("FTN_POSTGRES_URL", f"postgresql://{user}:{password}@127.0.0.1:{port}")
        return ask("PostgreSQL")

    owner = database.postgres_password
    assert at("postgres", SECRET).endswith(f"***@127.0.0.1:{database.postgres_port}/postgres: wrong user or password")
    can = "reachable, database mlflow can be created, database prefect can be created"
    assert at("postgres", owner).endswith(can)
    postgres_server.create_databases(database, "mlflow")
    assert at("postgres", owner).endswith(can.replace("mlflow can be created", "mlflow is there"))
    connection = psycopg2.connect(database.database("postgres"))
    connection.autocommit = True
    connection.cursor().execute(f"CREATE ROLE guest LOGIN PASSWORD '{SECRET}'")
    assert at("guest", SECRET).endswith("reachable, but this user may not create tables in the database mlflow")
    connection.cursor().execute("DROP DATABASE mlflow")
    assert at("guest", SECRET).endswith("there is no database mlflow, and this user may not create it")
    connection.close()
    closed = at("guest", SECRET, free_ports(1)[0])
    assert closed.endswith("unreachable: the connection was refused, nothing listens there")


def test_an_unexpected_error_gives_a_line(ask, monkeypatch):
    def fails():
        raise RuntimeError(SECRET)

    monkeypatch.setitem(command.SERVICES, "Prefect", fails)
    assert ask("Prefect") == "FAILED Prefect: the check itself failed: RuntimeError"


@pytest.mark.parametrize("port_works", [True, False])
def test_the_command_reads_env_and_its_exit_code_says_whether_all_works(project, serve, port_works):
    (port,) = free_ports(1)
    address = (
        serve(lambda path: (404 if "csrf" in path else 200, {}, b"[]")) if port_works else f"http://127.0.0.1:{port}"
    )
    (project / "ftn_core").symlink_to(ROOT / "ftn_core")  # `.env` is read where the code lies
    write_private(project / ".env", f"PREFECT_API_URL={address}/api\nPREFECT_API_AUTH_STRING=admin:{SECRET}\n")
    ended = subprocess.run(
        [sys.executable, "-m", "stack.check"],
        cwd=project, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0 if port_works else 2, "")
    lines = ended.stdout.splitlines()
    assert [line[:12] for line in lines] == [
        "ok     DVC r", "ok     MLflo", "ok     Prefe" if port_works else "FAILED Prefe", "ok     Postg",
    ]  # fmt: skip
    assert ("reachable, the login is right" if port_works else "unreachable: the connection was refused") in lines[2]
    assert SECRET not in ended.stdout
