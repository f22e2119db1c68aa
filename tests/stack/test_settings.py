import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from dvc.config import Config
from mlflow.server.auth.config import read_auth_config
from project import ROOT
from sqlalchemy import make_url

from ftn_core.utils.errors import UserError
from stack.programs import mlflow_program
from stack.s3 import point_dvc, release_dvc
from stack.settings import PASSWORD, load_settings


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch, tmp_path):
    for name in ("FTN_BIND", "FTN_AUTH", "FTN_REMOTE", "FTN_POSTGRES_URL", "MLFLOW_TRACKING_URI", "PREFECT_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.chdir(tmp_path)


def test_everything_runs_here_on_loopback():
    settings = load_settings()
    assert settings.own_postgres and settings.own_s3 and settings.own_mlflow and settings.own_prefect
    assert settings.mlflow == "http://127.0.0.1:5000"


@pytest.mark.parametrize("bind", ["nowhere.invalid", "192.0.2.77"])
def test_an_address_of_another_machine_is_refused_before_anything_starts(bind):
    env = {"PATH": "", "FTN_BIND": bind}
    done = subprocess.run([sys.executable, "-m", "stack", "up"], cwd=ROOT, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr.strip()) == (2, f"up: FTN_BIND: {bind} is no address of this machine")


@pytest.mark.parametrize(
    ("bind", "address"),
    [("127.0.0.2", "http://127.0.0.2:5000"), ("::1", "http://[::1]:5000"), ("localhost", "http://localhost:5000")],
)
def test_the_servers_know_the_name_under_which_clients_ask(monkeypatch, tmp_path, bind, address):
    monkeypatch.setenv("FTN_BIND", bind)
    settings = load_settings()
    assert settings.mlflow == settings.client_environment()["MLFLOW_TRACKING_URI"] == address
    (tmp_path / ".ftn/stack").mkdir(parents=True, exist_ok=True)
    allowed = mlflow_program(settings).environment["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    assert {urlsplit(address).netloc, "localhost:5000", "127.0.0.1:5000"} <= set(allowed)


def test_on_all_addresses_each_of_them_is_a_name(monkeypatch):
    monkeypatch.setenv("FTN_BIND", "0.0.0.0")
    settings = load_settings()
    assert settings.host == socket.gethostname()
    own = {entry.address for entries in psutil.net_if_addrs().values() for entry in entries if entry.family == 2}
    assert own | {settings.host, "localhost"} <= settings.hosts


def test_mlflow_and_dvc_find_their_files_whatever_the_project_s_folder_is_called(monkeypatch, tmp_path):
    folder = tmp_path / "a #%41?&é b"
    for name in (".dvc", ".ftn/stack/secrets"):
        (folder / name).mkdir(parents=True)
    monkeypatch.chdir(folder)
    settings = load_settings()
    for name, value in mlflow_program(settings).environment.items():
        monkeypatch.setenv(name, value)
    database = make_url(read_auth_config().database_uri).database
    assert Path(database).absolute() == folder / ".ftn/stack/mlflow-auth.db"
    for _ in range(2):
        point_dvc(settings)
    assert Config(".dvc")["remote"]["stack"]["credentialpath"] == f"{folder}/.ftn/stack/credentials"
    release_dvc()
    assert "stack" not in Config(".dvc")["remote"] and "remote" not in Config(".dvc")["core"]


def test_a_password_is_made_once_and_can_be_read_by_this_user_alone(tmp_path):
    user, password = load_settings().login
    assert (user, password) == load_settings().login
    assert (user, len(password)) == ("ftn", 32)
    assert (tmp_path / PASSWORD).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("auth", ["nobody", "user:short", ":long-enough-password", "user:with a space in it"])
def test_a_bad_password_is_refused_and_not_shown(monkeypatch, auth):
    monkeypatch.setenv("FTN_AUTH", auth)
    with pytest.raises(UserError, match=r"^FTN_AUTH: must be user:password") as error:
        load_settings()
    assert auth not in str(error.value)


def test_a_password_of_ones_own(monkeypatch):
    monkeypatch.setenv("FTN_BIND", "0.0.0.0")
    monkeypatch.setenv("FTN_AUTH", "user:long-enough-password")
    environment = load_settings().client_environment()
    assert environment["PREFECT_API_AUTH_STRING"] == "user:long-enough-password"
    assert environment["MLFLOW_TRACKING_USERNAME"] == "user"
    assert "127.0.0.1" not in environment["MLFLOW_TRACKING_URI"]


def test_servers_of_ones_own_are_not_started(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example")
    monkeypatch.setenv("PREFECT_API_URL", "https://prefect.example/api")
    monkeypatch.setenv("FTN_REMOTE", "s3://bucket/prefix")
    settings = load_settings()
    assert not (settings.own_postgres or settings.own_s3 or settings.own_mlflow or settings.own_prefect)
    assert settings.endpoint is None and settings.buckets == {"bucket", "ftn"}
    assert not {"PREFECT_API_AUTH_STRING", "MLFLOW_TRACKING_PASSWORD"} & settings.client_environment().keys()


def test_a_postgres_of_ones_own_gets_both_databases(monkeypatch):
    monkeypatch.setenv("FTN_POSTGRES_URL", "postgresql://me:planted@db:5432?sslmode=require")
    settings = load_settings()
    assert not settings.own_postgres and settings.own_mlflow
    assert settings.database("prefect", "postgresql+asyncpg") == (
        "postgresql+asyncpg://me:planted@db:5432/prefect?sslmode=require"
    )
    assert "planted" not in repr(settings)


@pytest.mark.parametrize("url", ["mysql://me:planted@db", "postgresql://me:planted@db/mlflow", "planted"])
def test_a_bad_postgres_address_is_refused_and_not_shown(monkeypatch, url):
    monkeypatch.setenv("FTN_POSTGRES_URL", url)
    with pytest.raises(UserError, match=r"^FTN_POSTGRES_URL: must be postgresql://") as error:
        load_settings()
    assert "planted" not in str(error.value)
