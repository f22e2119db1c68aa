"""Answers with a file that is made for the request, and removes it however the request ends."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ftn_core.utils.errors import UserError
from serving.http.receive import error_answer, full_disk_refused

_T = TypeVar("_T")
SEND_TIMEOUT = 300.0
"""Seconds in which an answer must be fetched. Then the connection is closed."""


class FileEndpoint:
    """An ASGI application with a folder for each request's files, which is removed once the answer is sent.

    A background task of a response would not do: Starlette leaves it out if a request asks for a part of the file that
    is not there.

    Args:
        respond: the answer to a request, whose files go into the given folder.
        parent: for these folders; None: the system's temporary folder.
    """

    def __init__(self, respond: Callable[[Request, Path], Awaitable[Response]], parent: Path | None = None) -> None:
        self._respond, self._parent = respond, parent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. A ``UserError`` and a full disk become one line of text."""

        async def answer(response: Response) -> None:
            async with asyncio.timeout(SEND_TIMEOUT):
                await response(scope, receive, send)

        # a client that is gone, or does not read: the server closes the connection
        with contextlib.suppress(ClientDisconnect, TimeoutError):
            try:
                with full_disk_refused(), TemporaryDirectory(prefix="ftn-", dir=self._parent) as folder:
                    await answer(await self._respond(Request(scope, receive), Path(folder)))
            except UserError as error:
                await answer(error_answer(error))


async def run_while_connected(request: Request, thread: Executor, function: Callable[[Callable[[], None]], _T]) -> _T:
    """What a function returns that runs in a thread, where it would keep the next request waiting.

    Args:
        function: calls what it is given now and then. That raises ``ClientDisconnect`` once nobody waits for an answer:
            the client is gone, or the server ends.
    """
    left = threading.Event()

    def check() -> None:
        if left.is_set():
            raise ClientDisconnect

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        left.set()

    watching = asyncio.create_task(watch())
    try:
        return await asyncio.get_running_loop().run_in_executor(thread, function, check)
    finally:
        left.set()
        watching.cancel()
