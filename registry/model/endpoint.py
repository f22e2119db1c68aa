"""``POST /invocations``: images and a level as JSON, the restored images as JSON, in bounded memory."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

import numpy as np

from ftn_core.utils.errors import UserError
from registry.model.request import TooLargeError, read_json

BYTES_A_PIXEL = 64
"""Room for three doubles at full length in JSON, 21 characters each."""

HELD = 4
"""So many of the largest requests are kept in memory at once; whoever comes then is asked to come again."""

PATIENCE = 40.0
"""Seconds in which a request must have come. After 60 MLflow would answer 504, as if it were the service's fault."""

Restore = Callable[[np.ndarray, dict[str, Any] | None], np.ndarray]
"""Of images and params; raises ``UserError`` where they are wrong."""


class Request(Protocol):
    """What is used of Starlette's requests."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    def stream(self) -> AsyncIterator[bytes]: ...


class _RefusedError(UserError):
    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class Endpoint:
    """Answers requests one after the other or at the same time, from one event loop."""

    def __init__(self, restore: Restore, max_pixels: int) -> None:
        self.restore = restore
        self.max_pixels = max_pixels
        self.max_bytes = BYTES_A_PIXEL * (max_pixels + 16)
        self._held = 0

    async def __call__(self, request: Request) -> tuple[HTTPStatus, bytes]:
        """Status and JSON text: ``predictions``, or the ``message`` that says what is wrong."""
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
            self._held -= len(body)

    async def _read(self, request: Request, body: bytearray) -> None:
        too_large = TooLargeError(f"a request may have {self.max_bytes:,} bytes, for {self.max_pixels:,} pixels")
        if int(request.headers.get("content-length", 0)) > self.max_bytes:
            raise too_large
        try:
            async with asyncio.timeout(PATIENCE):
                async for chunk in request.stream():
                    if len(body) + len(chunk) > self.max_bytes:
                        raise too_large
                    if self._held + len(chunk) > HELD * self.max_bytes:
                        raise _RefusedError(HTTPStatus.TOO_MANY_REQUESTS, "too much to do at the moment: try again")
                    self._held += len(chunk)
                    body += chunk
        except TimeoutError:
            message = f"the request has not come to its end within {PATIENCE:.0f} s"
            raise _RefusedError(HTTPStatus.REQUEST_TIMEOUT, message) from None

    def _answer(self, body: bytearray) -> bytes:
        import orjson

        restored = self.restore(*read_json(body, self.max_pixels))
        return orjson.dumps({"predictions": restored}, option=orjson.OPT_SERIALIZE_NUMPY)


def _check_type(content_type: str) -> None:
    """JSON alone: MLflow's tables as CSV and Parquet cannot hold images."""
    kind, *parameters = [part.strip().lower() for part in content_type.split(";")]
    if kind != "application/json" or any(part not in ("", "charset=utf-8", 'charset="utf-8"') for part in parameters):
        message = f"Content-Type must be application/json in UTF-8, not {content_type[:80]!r}"
        raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)
