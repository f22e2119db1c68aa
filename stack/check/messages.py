"""What refusals and errors of libraries mean. The texts of libraries may hold a password, so they are never printed."""

import re

from ftn_core.utils.network_errors import NO_ANSWER, SILENT, describe_connection_error, describe_tls_error

ANSWER_SECONDS = 4
"""Seconds to wait for a connection, and for an answer."""


def describe_refusal(status: int, text: str, login: str) -> str:
    """The meaning of an HTTP error status; ``login`` names the settings that hold user and password."""
    match status:
        case 401:
            return f"the server asks for a login, and ours is missing or wrong: {login}"
        case 403 if "host" in text.lower():
            return "the server does not answer to this host name: see its --allowed-hosts"
        case 403:
            return "no permission: the server knows the user but does not allow it"
        case 404 | 405:
            return f"something answers {status}, but not this service: check host, port and path"
    return f"the server answers {status}: its log says more"


def describe_network_error(text: str) -> str:
    """The meaning of the error of a request that got no answer."""
    if "SSL" in text:
        return describe_tls_error(text)
    return SILENT if re.search("read ?(operation )?time", text, re.IGNORECASE) else describe_connection_error(text)


def describe_database_error(text: str) -> str:
    """The meaning of an error of a database or of the connection to it."""
    for part, meaning in _DATABASE_ERRORS.items():
        if part in text:
            return meaning
    return describe_network_error(text)


_DATABASE_ERRORS = {
    "pg_hba.conf": "the server does not admit this user, database or machine, or not without TLS: see its pg_hba.conf",
    "password": "wrong user or password",
    "authentication": "wrong user or password",
    "no such table": "reachable, but not an MLflow database: `mlflow db upgrade` makes one",
    "UndefinedTable": "reachable, but not an MLflow database: `mlflow db upgrade` makes one",
    "readonly": "reachable, not writable: no permission",
    "permission denied": "reachable, no permission",
    "timeout expired": NO_ANSWER,
}
