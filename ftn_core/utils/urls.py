"""Addresses as they may be redact_url: what lets someone in is left out."""

import re
from urllib.parse import urlsplit


def redact_url(url: str) -> str:
    """A URL without its user and password, and without the query, where signed addresses carry their signature."""
    scheme, separator, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if separator and "@" in authority:
        rest = f"***@{rest[authority.rindex('@') + 1 :]}"
    elif separator and "@" in rest and not _has_a_port(url):
        # a password with a slash or a question mark, which its owner should have quoted
        rest = f"***@{rest.rpartition('@')[2]}"
    rest, query, _ = rest.partition("?")
    return scheme + separator + rest + (query and "?***") if separator else url


def _has_a_port(url: str) -> bool:
    """False if what stands where a port is written is no number."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return True
