"""What refusals and the errors of libraries mean. The texts themselves may hold a password and are not redact_url."""

from typing import Any

from ftn_core.utils.network_errors import NO_ANSWER, SILENT, describe_connection_error, describe_tls_error

CONNECT, READ = 3, 4
"""Seconds to wait for a connection, and for an answer."""


def refusal(answer: Any, login: str) -> str:  # noqa: ANN401 - of requests or httpx
    """An HTTP answer other than success; ``login`` names the settings of user and password."""
    match answer.status_code:
        case 401:
            return f"the server wants a login, and ours is missing or wrong: {login}"
        case 403 if "host" in answer.text.lower():
            return "the server does not answer to this host name: see its --allowed-hosts"
        case 403:
            return "no permission: the server knows the user but does not allow it"
        case 404 | 405:
            return f"something answers {answer.status_code}, but not this service: check host, port and path"
    return f"the server answers {answer.status_code}"


def network_fault(text: str) -> str:
    """A request without an answer."""
    if "SSL" in text:
        return describe_tls_error(text)
    return SILENT if "ead timed out" in text else describe_connection_error(text)


def database_fault(text: str) -> str:
    """An error of a database, or of the way to it."""
    for part, words in _DATABASE.items():
        if part in text:
            return words
    return network_fault(text)


_DATABASE = {
    "pg_hba.conf": "the server does not admit this user, database or machine, or not without TLS: see its pg_hba.conf",
    "password": "wrong user or password",
    "authentication": "wrong user or password",
    "no such table": "reachable, but not an MLflow database: `mlflow db upgrade` makes one",
    "UndefinedTable": "reachable, but not an MLflow database: `mlflow db upgrade` makes one",
    "readonly": "reachable, no permission to write",
    "permission denied": "reachable, no permission",
    "timeout expired": NO_ANSWER,
}
