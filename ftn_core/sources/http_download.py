"""Downloads files from http, https and file URLs."""

import http.client
import ssl
import string
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from ftn_core.sources.transfer import Body, TransientError
from ftn_core.utils.errors import UserError
from ftn_core.utils.network_errors import describe_tls_error
from ftn_core.utils.urls import redact_url

_NETWORK_ERRORS = (
    urllib.error.URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    ssl.SSLError,
)
_TRANSIENT = (408, 429)


@contextmanager
def http_download(url: str, start: int) -> Iterator[Body]:
    """Open the file from byte ``start``; see ``transfer.Open``."""
    try:
        request = urllib.request.Request(_as_sent(url), headers={"Range": f"bytes={start}-"} if start else {})
        with urllib.request.urlopen(request, timeout=60) as response:
            first = start if response.status == 206 else 0
            length = response.headers.get("Content-Length", "")
            # anything but a number states no size
            yield Body(first, first + int(length) if length.isdecimal() else None, response.read1)
    except urllib.error.HTTPError as error:
        # 416: the server has no bytes after ``start``; the checksum decides whether the file is complete
        if error.code == 416 and start:
            yield Body.empty(start)
        elif error.code < 500 and error.code not in _TRANSIENT:
            raise UserError(
                f"data.archive: {redact_url(url)} answers {error.code} {error.reason}: check the url"
            ) from None
        else:
            raise TransientError(str(error)) from None
    except _NETWORK_ERRORS as error:
        reason: Any = getattr(error, "reason", None) or error
        # a file URL without a file: retrying does not help
        if isinstance(reason, FileNotFoundError | PermissionError | IsADirectoryError):
            raise UserError(f"data.archive: cannot read {redact_url(url)}: {reason.strerror}") from None
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise UserError(f"data.archive: cannot read {redact_url(url)}: {describe_tls_error(str(reason))}") from None
        raise TransientError(str(reason)) from None


def _as_sent(url: str) -> str:
    """With letters beyond ASCII as browsers send them; what is encoded already stays."""
    parts = urlsplit(url)
    path, query = (quote(part, safe=string.punctuation) for part in (parts.path, parts.query))
    return urlunsplit(parts._replace(path=path, query=query))
