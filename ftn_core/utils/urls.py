"""URLs: of a server, and without credentials for messages and records."""

import re
from typing import Any
from urllib.parse import urlsplit

_URL = re.compile(r"[A-Za-z][\w+.-]*://[^\s'\"<>]+")
_QUERY = re.compile(r"\?[^\s'\"<>?]*=[^\s'\"<>]*")


def http_address(host: str, port: int) -> str:
    """The URL of a server."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def redact_url(url: str) -> str:
    """A URL without its user, password and query. The query of a signed URL contains the signature."""
    scheme, separator, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if separator and "@" in authority:
        rest = f"***@{rest[authority.rindex('@') + 1 :]}"
    elif separator and "@" in rest and not _has_a_port(url):
        # the password contains an unquoted slash or question mark
        rest = f"***@{rest.rpartition('@')[2]}"
    rest, query, _ = rest.partition("?")
    return scheme + separator + rest + (query and "?***") if separator else url


def redact_text(text: str) -> str:
    """A text without the secrets of the URLs in it, and without queries whose URL is not whole.

    HTTP clients and databases quote addresses in their errors.
    """
    return _QUERY.sub("?***", _URL.sub(lambda url: redact_url(url[0]), text))


def redact_values(values: dict[str, Any]) -> dict[str, Any]:
    """Nested values, such as parameters, with every URL redacted."""
    return {key: _redact_value(value) for key, value in values.items()}


def _redact_value(value: Any) -> Any:  # noqa: ANN401 - whatever YAML holds
    match value:
        case str():
            return redact_text(value)
        case dict():
            return redact_values(value)
        case list():
            return [_redact_value(item) for item in value]
    return value


def _has_a_port(url: str) -> bool:
    """Whether the URL can be parsed: False if the text at the port's place is not a number."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return True
