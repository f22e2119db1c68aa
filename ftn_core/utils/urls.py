"""URLs without credentials, for messages."""

import re
from urllib.parse import urlsplit


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


def _has_a_port(url: str) -> bool:
    """Whether the URL can be parsed: False if the text at the port's place is not a number."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return True
