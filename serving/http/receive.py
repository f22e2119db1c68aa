"""Takes the picture file that a request sends, and says in one line what is wrong with it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse

from ftn_core.utils.errors import FULL, UserError
from ftn_core.utils.messages import shortened
from serving.files.pictures import TooLargeError

RECEIVE_TIMEOUT = 60.0
"""Seconds in which a request must be complete."""

_BYTES_PER_PIXEL = 8  # four samples of 16 bits
_METADATA = 2**22
_LONGEST_MESSAGE = 300


class RefusedError(UserError):
    """What is wrong, with its HTTP status."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


@contextmanager
def full_disk_refused() -> Iterator[None]:
    """Raises ``RefusedError`` with status 507 if the block finds no room on the disk."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise RefusedError(HTTPStatus.INSUFFICIENT_STORAGE, "the server's disk is full: try again later") from None


def largest_body(max_pixels: int) -> int:
    """The most bytes that the file of a picture of so many pixels may have."""
    return _BYTES_PER_PIXEL * max_pixels + _METADATA


async def receive(request: Request, path: Path, max_bytes: int) -> None:
    """Write the body to a file.

    Raises:
        UserError: it is empty, a form, too large or too slow, or the disk is full.
    """
    if request.headers.get("content-type", "").startswith("multipart/"):
        text = "the body must be the file itself, not a form: curl --data-binary @photo.png"
        raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text)
    too_large = TooLargeError(f"a picture file may have {max_bytes:,} bytes")
    if int(request.headers.get("content-length", 0)) > max_bytes:
        raise too_large
    size = 0
    try:
        async with asyncio.timeout(RECEIVE_TIMEOUT):
            with full_disk_refused(), path.open("wb") as file:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > max_bytes:
                        raise too_large
                    file.write(chunk)
    except TimeoutError:
        text = f"the request has not come to its end within {RECEIVE_TIMEOUT:.0f} s"
        raise RefusedError(HTTPStatus.REQUEST_TIMEOUT, text) from None
    if not size:
        raise UserError("the body is empty: send a picture file, curl --data-binary @photo.png")


def error_answer(error: UserError | ClientDisconnect) -> PlainTextResponse:
    """What is wrong with a request."""
    status = HTTPStatus.BAD_REQUEST
    if isinstance(error, RefusedError):
        status = error.status
    elif isinstance(error, TooLargeError):
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return message(status, str(error))


def message(status: HTTPStatus, text: str) -> PlainTextResponse:
    """One line. What a request has brought into it is cut, and cannot control a terminal."""
    return PlainTextResponse(f"{shortened(text, _LONGEST_MESSAGE)}\n", status)
