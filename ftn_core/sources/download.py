"""Downloads that can be resumed after an interruption and are checked before use."""

import hashlib
import time
from pathlib import Path
from typing import BinaryIO

from ftn_core.sources.http_download import http_download
from ftn_core.sources.s3_download import s3_download
from ftn_core.sources.space import check_room
from ftn_core.sources.transfer import Open, TransientError
from ftn_core.utils.errors import UserError
from ftn_core.utils.progress import Progress
from ftn_core.utils.urls import redact_url

# small, because a broken connection loses the block that is being read
_BLOCK = 1 << 16
_FAILURES = 5


def download(url: str, sha256: str, target: Path, *, delay: float = 1.0) -> Path:
    """Fetch ``url`` (http, https, file or s3) to ``target``, unless a file with the right SHA-256 is there.

    Received bytes are stored in ``target`` + ``.part``. An interrupted download resumes there if the server
    supports Range requests; otherwise it starts over. If the file changed in between, its SHA-256 is wrong.
    Transient errors are retried after ``delay`` seconds, which doubles each time. The download fails after five
    errors in a row without new bytes.

    Raises:
        UserError: the server refuses, retries have failed, or the SHA-256 is wrong. A file with a wrong SHA-256 is
            removed.
    """
    if target.is_file() and file_sha256(target) == sha256:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    source = s3_download if url.startswith("s3://") else http_download
    furthest = _size(part)
    failures = 0
    while True:
        try:
            _fetch(source, url, part)
            break
        except TransientError as error:
            reason = error
        failures = 0 if _size(part) > furthest else failures + 1
        furthest = max(furthest, _size(part))
        if failures == _FAILURES:
            raise UserError(
                f"data.archive: downloading {redact_url(url)} failed: {reason}: "
                f"run again to go on from {furthest} bytes"
            )
        print(f"{redact_url(url)}: {reason}; trying again", flush=True)
        time.sleep(delay * 2 ** max(failures - 1, 0))
    found = file_sha256(part)
    if found != sha256:
        part.unlink()
        raise UserError(
            f"data.archive: {redact_url(url)} has SHA-256 {found}, expected {sha256}: removed; check url and sha256"
        )
    part.replace(target)
    return target


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(source: Open, url: str, part: Path) -> None:
    """One attempt to complete ``part``."""
    what = f"data.archive: {redact_url(url)}"
    with source(url, _size(part)) as body:
        total = None if body.total is None else body.total / 1e6
        progress = Progress(f"downloading {redact_url(url)}", "MB", total, start=body.start / 1e6)
        done = body.start
        if body.total is not None:
            check_room(part.parent, body.total - done, body.total, what)
        with part.open("ab" if body.start else "wb") as file:
            while block := body.read(_BLOCK):
                done += len(block)
                _write(file, block, done, part, what)
                progress(done / 1e6)
    # some libraries raise no error when a body ends too soon
    if body.total is not None and done < body.total:
        raise TransientError(f"the connection ended after {done} of {body.total} bytes")


def _write(file: BinaryIO, block: bytes, done: int, part: Path, what: str) -> None:
    """Write a block. If there is no room for it, the file is removed: it would fill the disk again at the next try."""
    try:
        check_room(part.parent, len(block), done, what)
        file.write(block)
    except (UserError, OSError) as error:
        part.unlink()
        raise UserError(str(error) if isinstance(error, UserError) else f"{what}: {error.strerror}") from None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
