"""``POST /restore?sigma=...``: takes a picture file, and answers with the restored one.

Bodies and answers are temporary files, so memory does not grow with the number of requests. One picture is in memory at
a time. Nothing that a request contains becomes the name of a file.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.utils.errors import UserError
from ftn_core.words.labels import label
from serving.files.level_argument import AUTO, LevelArgument
from serving.http.file_endpoint import FileEndpoint, run_while_connected
from serving.http.file_restorer import FileRestorer
from serving.http.receive import largest_body, message, receive

MAX_REQUESTS = 32
"""Requests in progress: being received, waiting, restored or sent. Further ones get status 429."""


class RestoreEndpoint:
    """An ASGI application that restores the picture of each request, one after the other.

    Args:
        max_pixels: the most that a picture may have.
    """

    def __init__(self, denoiser: ContinuousDenoiser, max_pixels: int) -> None:
        self._restore = FileRestorer(denoiser, max_pixels)
        self._max_bytes = largest_body(max_pixels)
        self._task = denoiser.task
        self._ends = denoiser.ends
        self._in_progress = 0
        self._answer = FileEndpoint(self._response)
        self._network = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1)  # always the same: PyTorch keeps a team of threads for each that calls it

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: a picture file, or one line of text that says what is wrong."""
        if self._in_progress >= MAX_REQUESTS:
            busy = message(HTTPStatus.TOO_MANY_REQUESTS, "too much to do at the moment: try again")
            busy.headers["Retry-After"] = "1"
            return await busy(scope, receive, send)
        self._in_progress += 1
        try:
            await self._answer(scope, receive, send)
        finally:
            self._in_progress -= 1

    async def _response(self, request: Request, folder: Path) -> Response:
        source, target = folder / "received", folder / "restored"
        level = self._level(request.query_params)
        await receive(request, source, self._max_bytes)
        async with self._network:
            if await request.is_disconnected():
                raise ClientDisconnect
            restore = partial(self._restore, source, target, level)
            restored = await run_while_connected(request, self._thread, restore)
        used = {f"Ftn-{self._task.quantity.name.capitalize()}": f"{restored.level:.6g}"}
        return FileResponse(target, media_type=f"image/{restored.format.lower()}", headers=used)

    def _level(self, query: QueryParams) -> float | None:
        """The level that the query names; None: to be found in the picture."""
        quantity = self._task.quantity
        given = query.multi_items()
        if unknown := [key for key, _ in given if key != quantity.name]:
            raise UserError(f"unknown parameter {unknown[0][:40]!r}: there is only {quantity.name}")
        if len(given) > 1:
            raise UserError(f"{quantity.name} is given {len(given)} times")
        level = LevelArgument.parse(query.get(quantity.name, AUTO), quantity.name).level_of(quantity)
        if level is None and not self._task.degradation.by_noise_alone:
            first, last = (label(quantity, end) for end in self._ends)
            raise UserError(
                f"{quantity.name} is needed, from {first} to {last}: only the level of noise is found in a picture"
            )
        return level


def restore_routes(denoiser: ContinuousDenoiser, max_pixels: int) -> list[BaseRoute]:
    """``POST /restore``, and ``GET /health`` for whoever watches the service."""
    return [
        Route("/restore", RestoreEndpoint(denoiser, max_pixels), methods=["POST"]),
        Route("/health", lambda request: PlainTextResponse("ok\n")),
    ]
