import subprocess
import sys

import pytest
from project import ROOT

from ftn_core.utils.errors import UserError
from stack.settings import load_settings


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


@pytest.mark.parametrize("bind", ["0.0.0.0", "::"])
def test_outside_loopback_nothing_starts_without_a_password(bind):
    env = {"PATH": "", "FTN_BIND": bind}
    done = subprocess.run([sys.executable, "-m", "stack", "up"], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.strip() == (
        f"up: bind = {bind} can be reached from other machines: set FTN_AUTH=user:password in the environment or .env, "
        "or leave FTN_BIND at 127.0.0.1"
    )


@pytest.mark.parametrize("auth", ["nobody", "user:short", ":long-enough-password", "user:with a space in it"])
def test_a_bad_password_is_refused_and_not_shown(monkeypatch, auth):
    monkeypatch.setenv("FTN_AUTH", auth)
    with pytest.raises(UserError, match=r"^FTN_AUTH: must be user:password") as error:
        load_settings()
    assert auth not in str(error.value)


def test_with_a_password_servers_may_be_reached_from_elsewhere(monkeypatch):
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
