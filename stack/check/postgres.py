"""Checks a team's own PostgreSQL for the databases that ``make up`` needs."""

import os
from collections.abc import Iterator

from ftn_core.utils.errors import UserError
from ftn_core.utils.urls import redact_url
from stack.check import messages, timeouts
from stack.check.report import CheckError, CheckResult, run_probe
from stack.settings import Settings, load_settings


def check() -> Iterator[CheckResult]:
    """Check the server that ``FTN_POSTGRES_URL`` names; without it there is no result."""
    if address := os.environ.get("FTN_POSTGRES_URL"):
        try:
            settings = load_settings()
        except UserError as error:
            yield CheckResult(False, "PostgreSQL", str(error))
        else:
            yield run_probe("PostgreSQL", redact_url(address), lambda: _probe_databases(settings))


def _probe_databases(settings: Settings) -> str:
    found = []
    [(may_create, present)] = _query(
        settings,
        "postgres",
        "SELECT rolsuper OR rolcreatedb, ARRAY(SELECT datname::text FROM pg_database) "
        "FROM pg_roles WHERE rolname = current_user",
    )
    for name in ("mlflow", "prefect"):
        if name in present:
            [(may_write,)] = _query(settings, name, "SELECT has_schema_privilege('public', 'CREATE')")
            if not may_write:
                raise CheckError(f"reachable, but this user may not create tables in the database {name}")
            found.append(f"database {name} is there")
        elif may_create:
            found.append(f"database {name} can be created")
        else:
            raise CheckError(f"reachable, but there is no database {name}, and this user may not create it")
    return ", ".join(["reachable", *found])


def _query(settings: Settings, database: str, query: str) -> list[tuple]:
    import psycopg2

    try:
        connection = psycopg2.connect(settings.database(database), connect_timeout=timeouts.CONNECT_SECONDS)
        try:
            with connection.cursor() as cursor:
                cursor.execute(query)
                return cursor.fetchall()
        finally:
            connection.close()
    except psycopg2.Error as error:
        raise CheckError(messages.describe_database_error(str(error))) from None
