"""Downloads that survive being interrupted and are checked before use."""

import hashlib
import http.client
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from ftn_core.errors import UserError
from ftn_core.progress import Progress

_BLOCK = 1 << 20
_NETWORK_ERRORS = (
    urllib.error.URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    ssl.SSLError,
)
_PASSING = (408, 429)
_FAILURES = 5


class _CutError(ConnectionError):
    """The connection ended before the file did."""


def download(url: str, sha256: str, target: Path, *, delay: float = 1.0) -> Path:
    """Fetch ``url`` (http, https or file) to ``target``, unless a file with the right SHA-256 is there.

    What arrives is kept in ``target`` + ``.part``: a killed download goes on from there if the server can
    (HTTP Range), and starts over if it cannot. Network errors are retried after ``delay`` seconds, doubled
    each time; five in a row without getting further are final.

    Raises:
        UserError: the server refuses, the network fails for good, or the SHA-256 is wrong (the file is then
            removed).
    """
    if target.is_file() and file_sha256(target) == sha256:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    furthest = _size(part)
    failures = 0
    while True:
        try:
            _fetch(url, part)
            break
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code not in _PASSING:
                raise UserError(f"data.archive: {url} answers {error.code} {error.reason}: check the url") from None
            reason: Any = error
        except _NETWORK_ERRORS as error:
            reason = getattr(error, "reason", None) or error
            # a file URL that names nothing: waiting does not help
            if isinstance(reason, FileNotFoundError | PermissionError | IsADirectoryError):
                raise UserError(f"data.archive: cannot read {url}: {reason.strerror}") from None
        failures = 0 if _size(part) > furthest else failures + 1
        furthest = max(furthest, _size(part))
        if failures == _FAILURES:
            raise UserError(
                f"data.archive: downloading {url} failed: {reason}: run again to go on from {furthest} bytes"
            )
        print(f"{url}: {reason}; trying again", flush=True)
        time.sleep(delay * 2 ** max(failures - 1, 0))
    found = file_sha256(part)
    if found != sha256:
        part.unlink()
        raise UserError(f"data.archive: {url} has SHA-256 {found}, expected {sha256}: removed; check url and sha256")
    part.replace(target)
    return target


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(url: str, part: Path) -> None:
    """One attempt to complete ``part``."""
    have = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        # 416: there is nothing beyond what we have, so the checksum decides
        if error.code == 416 and have:
            return
        raise
    with response:
        start = have if response.status == 206 else 0
        length = response.headers.get("Content-Length")
        total = None if length is None else start + int(length)
        progress = Progress(f"downloading {url}", "MB", None if total is None else total / 1e6, start=start / 1e6)
        with part.open("ab" if start else "wb") as file:
            done = start
            while block := response.read1(_BLOCK):
                file.write(block)
                done += len(block)
                progress(done / 1e6)
    # urllib does not complain when a body ends too soon
    if total is not None and done < total:
        raise _CutError(f"the connection ended after {done} of {total} bytes")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
