"""``POST /invocations``: images and a level as JSON in, restored images as JSON out, in bounded memory."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

import numpy as np

from ftn_core.utils.errors import UserError
from registry.model.request import TooLargeError, read_json

BYTES_PER_PIXEL = 64
"""A pixel is three doubles in JSON, of at most 21 characters each."""

MAX_BUFFERED = 4
"""Memory for bodies, in requests of the largest size. When it is full, further requests get status 429."""

REQUEST_TIMEOUT = 40.0
"""Seconds in which a request must be complete. After 60 MLflow would answer 504, which blames the service."""

RestoreImages = Callable[[np.ndarray, dict[str, Any] | None], np.ndarray]
"""From images and params to restored images. Raises ``UserError`` where they are wrong."""


class Request(Protocol):
    """The part of Starlette's request that is used."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    def stream(self) -> AsyncIterator[bytes]: ...


class _RefusedError(UserError):
    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class Endpoint:
    """Answers requests, also several at the same time, from one event loop."""

    def __init__(self, restore_images: RestoreImages, max_pixels: int) -> None:
        self.restore_images = restore_images
        self.max_pixels = max_pixels
        self.max_bytes = BYTES_PER_PIXEL * (max_pixels + 16)
        self._buffered = 0

    async def __call__(self, request: Request) -> tuple[HTTPStatus, bytes]:
        """Status and JSON text: ``predictions``, or a ``message`` that says what is wrong."""
        body = bytearray()
        try:
            _check_type(request.headers.get("content-type", ""))
            await self._read(request, body)
            return HTTPStatus.OK, await asyncio.to_thread(self._answer, body)
        except UserError as error:
            status = error.status if isinstance(error, _RefusedError) else HTTPStatus.BAD_REQUEST
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if isinstance(error, TooLargeError) else status
            return status, json.dumps({"error_code": status.name, "message": str(error)}).encode()
        finally:
            self._buffered -= len(body)

    async def _read(self, request: Request, body: bytearray) -> None:
        too_large = TooLargeError(f"a request may have {self.max_bytes:,} bytes, for {self.max_pixels:,} pixels")
        if int(request.headers.get("content-length", 0)) > self.max_bytes:
            raise too_large
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT):
                async for chunk in request.stream():
                    if len(body) + len(chunk) > self.max_bytes:
                        raise too_large
                    if self._buffered + len(chunk) > MAX_BUFFERED * self.max_bytes:
                        raise _RefusedError(HTTPStatus.TOO_MANY_REQUESTS, "too much to do at the moment: try again")
                    self._buffered += len(chunk)
                    body += chunk
        except TimeoutError:
            message = f"the request has not come to its end within {REQUEST_TIMEOUT:.0f} s"
            raise _RefusedError(HTTPStatus.REQUEST_TIMEOUT, message) from None

    def _answer(self, body: bytearray) -> bytes:
        import orjson

        restored = self.restore_images(*read_json(body, self.max_pixels))
        return orjson.dumps({"predictions": restored}, option=orjson.OPT_SERIALIZE_NUMPY)


def _check_type(content_type: str) -> None:
    """Accept JSON alone: MLflow's other formats, CSV and Parquet, cannot hold images."""
    kind, *parameters = [part.strip().lower() for part in content_type.split(";")]
    if kind != "application/json" or any(part not in ("", "charset=utf-8", 'charset="utf-8"') for part in parameters):
        message = f"Content-Type must be application/json in UTF-8, not {content_type[:80]!r}"
        raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)
