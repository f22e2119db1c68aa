"""Checks PostgreSQL for the databases that ``make up`` needs: a team's own, or the one that runs here."""

from typing import Any

from ftn_core.utils.errors import UserError
from ftn_core.utils.urls import redact_url
from stack import supervisor
from stack.check.messages import ANSWER_SECONDS, describe_database_error
from stack.settings import Settings, load_settings

ROLE = """SELECT rolsuper OR rolcreatedb, ARRAY(SELECT datname::text FROM pg_database)
          FROM pg_roles WHERE rolname = current_user"""


def check() -> str:
    """Look for the databases on the server that ``FTN_POSTGRES_URL`` names, or that `make up` has started."""
    settings = load_settings()
    if settings.postgres_url is None and not (settings.own_postgres and supervisor.running()):
        return "nothing configured (FTN_POSTGRES_URL): `make up` starts one"
    where = redact_url(settings.database("postgres"))
    try:
        return f"{where}: reachable, {_databases(settings)}"
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _databases(settings: Settings) -> str:
    [(may_create, present)] = query(settings.database("postgres"), ROLE)
    for name in ("mlflow", "prefect"):
        if name in present:
            [(writable,)] = query(settings.database(name), "SELECT has_schema_privilege('public', 'CREATE')")
            if not writable:
                raise UserError(f"reachable, but this user may not create tables in the database {name}")
        elif not may_create:
            raise UserError(f"reachable, but there is no database {name}, and this user may not create it")
    return ", ".join(f"database {n} {'is there' if n in present else 'can be created'}" for n in ("mlflow", "prefect"))


def query(address: str, *statements: str) -> list[Any]:
    """The rows of the last statement that has any; nothing is committed.

    Raises:
        UserError: the database cannot be reached or refuses; the message holds no secret.
    """
    import sqlalchemy as sql

    limits = {"connect_timeout": ANSWER_SECONDS} if address.startswith("postgresql") else {}
    try:
        with sql.create_engine(address, connect_args=limits, poolclass=sql.NullPool).connect() as connection:
            results = [connection.execute(sql.text(statement)) for statement in statements]
            return [tuple(row) for result in results if result.returns_rows for row in result]
    except (sql.exc.SQLAlchemyError, ImportError) as error:
        raise UserError(describe_database_error(str(error))) from None
