"""The programs that run on this machine, in the order in which they depend on each other."""

import contextlib
import os
import sqlite3
import sys
from pathlib import Path

from werkzeug.security import generate_password_hash

from ftn_core.utils.urls import http_address
from stack import postgres, s3
from stack.settings import HOME, NO_TELEMETRY, Settings
from stack.supervisor import Program
from stack.worker import worker_environment

MLFLOW_USERS = HOME / "mlflow-auth.db"


def programs(settings: Settings) -> list[Program]:
    """The servers for which no setting names another address, and the two workers."""
    found = []
    if settings.own_postgres:
        user = postgres.initialise(settings)
        ports = {"postgres": settings.postgres_port}
        # INT ends sessions at once and does not wait for clients
        found.append(Program("postgres", postgres.command(settings), {}, ports, user, "INT"))
    if settings.own_s3:
        s3.initialise(settings)
        found.append(Program("s3", s3.command(settings), s3.environment(), s3.ports(settings)))
    if settings.own_mlflow:
        found.append(mlflow_program(settings))
    if settings.own_prefect:
        found.append(_prefect_program(settings))
    return found + [
        _worker_program(settings, pool, limit) for pool, limit in (("default", settings.slots + 1), ("gpu", None))
    ]


def mlflow_program(settings: Settings) -> Program:
    """MLflow's server, behind a login, under its own names."""
    program = str(Path(sys.executable).parent / "mlflow")
    command = [program, "server", "--host", settings.bind, "--port", str(settings.mlflow_port), "--workers", "1"]
    command += ["--app-name", "basic-auth"]
    environment = _inherited(settings) | settings.client_environment()
    pages = sorted(http_address(host, settings.mlflow_port) for host in settings.hosts)
    environment |= {
        "MLFLOW_BACKEND_STORE_URI": settings.database("mlflow"),
        "MLFLOW_ARTIFACTS_DESTINATION": settings.artifacts,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_SERVER_ALLOWED_HOSTS": ",".join(page.removeprefix("http://") for page in pages),
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": ",".join(pages),
    }
    if settings.endpoint:
        environment["MLFLOW_S3_ENDPOINT_URL"] = settings.endpoint
    user, password = settings.login
    ini = HOME / "mlflow-auth.ini"
    ini.write_text(
        "[mlflow]\ndefault_permission = MANAGE\nauth_cache_ttl_seconds = 60\n"
        f"database_uri = sqlite:///{MLFLOW_USERS}\nadmin_username = {user}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    _set_mlflow_password(user, password)
    environment |= {
        "MLFLOW_AUTH_CONFIG_PATH": str(ini.absolute()),
        "MLFLOW_AUTH_ADMIN_USERNAME": user,
        "MLFLOW_AUTH_ADMIN_PASSWORD": password,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": settings.session_key,
    }
    return Program("mlflow", command, environment, {"mlflow": settings.mlflow_port})


def _set_mlflow_password(user: str, password: str) -> None:
    """MLflow keeps the password with which it made the user, and would not take another one."""
    if MLFLOW_USERS.exists():
        with contextlib.closing(sqlite3.connect(MLFLOW_USERS)) as users, users:
            users.execute(
                "UPDATE users SET password_hash = ? WHERE username = ?", [generate_password_hash(password), user]
            )


def _prefect_program(settings: Settings) -> Program:
    port = settings.prefect_port
    command = [sys.executable, "-m", "stack.prefect_server", settings.bind, str(port), *sorted(settings.hosts)]
    environment = NO_TELEMETRY | {
        "PREFECT_HOME": str((HOME / "prefect").absolute()),
        "PREFECT_API_DATABASE_CONNECTION_URL": settings.database("prefect", "postgresql+asyncpg"),
        "PREFECT_UI_API_URL": "/api",  # of the page's own host, whichever name that has
        "PREFECT_API_URL": "",
        "PREFECT_SERVER_API_AUTH_STRING": ":".join(settings.login),
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "",
    }
    return Program("prefect", command, environment, {"prefect": port})


def _worker_program(settings: Settings, pool: str, limit: int | None) -> Program:
    command = [sys.executable, "-m", "stack.worker", pool, *(["--limit", str(limit)] if limit else [])]
    environment = _inherited(settings) | settings.client_environment() | worker_environment()
    return Program(f"worker-{pool}", command, environment)


def _inherited(settings: Settings) -> dict[str, str]:
    """Variables that may have changed since supervisord started: ``FTN_NOTIFY``, and keys of an S3 server elsewhere."""
    names = [name for name in os.environ if name == "FTN_NOTIFY" or (name.startswith("AWS_") and not settings.own_s3)]
    return NO_TELEMETRY | {name: os.environ[name] for name in names}
