"""A client that leaves while its picture is being restored, and how much of it is restored nevertheless."""

import asyncio
import time
from types import ModuleType

import pytest
from starlette.types import ASGIApp, Message, Scope

from serving.files.bands import restore_in_bands


def rows_after_leaving(app: ASGIApp, scope: Scope, body: bytes, used_by: ModuleType) -> list[int]:
    """The rows that were done after each band of a picture; the client leaves after the first.

    Args:
        used_by: the module that calls ``restore_in_bands``.
    """
    rows: list[int] = []

    def slowly(network, picture, progress=lambda rows: None):
        def recorded(done: int) -> None:
            rows.append(done)
            time.sleep(0.3)  # in which the server learns that the client has left
            progress(done)

        return restore_in_bands(network, picture, recorded)

    received: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if received:
            return received.pop()
        while not rows:
            await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        pytest.fail("an answer to nobody")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(used_by, "restore_in_bands", slowly)
        asyncio.run(asyncio.wait_for(app(scope, receive, send), 60))
        time.sleep(1)  # for a thread that goes on
    return rows
