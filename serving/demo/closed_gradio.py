"""Closes what Gradio leaves open in a mounted page: files of this machine, addresses to fetch, tools for developers."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import gradio as gr
from gradio import processing_utils
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_API = "/gradio_api/"
_USED = ("app_id", "cancel", "file=", "heartbeat/", "info", "queue/", "reset", "startup-events", "theme.css", "upload")
"""What the page asks of Gradio's interface. The rest proxies, streams, records, edits the program and describes it."""
_NOT_USED = ("/login", "/logout", "/monitoring")


@contextmanager
def private_uploads() -> Iterator[None]:
    """Keep uploads in a folder that only this user can read, until the server ends.

    Gradio's own folder is the same for all its pages on a machine, and each hands out what lies there. A file's path in
    it holds a secret hash, so a visitor can name only what he has uploaded himself.
    """
    before = os.environ.get("GRADIO_TEMP_DIR")
    with tempfile.TemporaryDirectory(prefix="ftn-", dir=before, ignore_cleanup_errors=True) as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        try:
            yield
        finally:
            os.environ.pop("GRADIO_TEMP_DIR")
            if before is not None:
                os.environ["GRADIO_TEMP_DIR"] = before


def check_files(page: gr.Blocks) -> None:
    """Let events take files only if they were uploaded, and fetch no address."""
    # `launch` sets this, and `mount_gradio_app` does not: without it Gradio checks no path (`_check_allowed`)
    page.has_launched = True
    # Gradio downloads a file whose path is a URL, for any component, and has no setting for that
    processing_utils.async_ssrf_protected_download = _fetch_nothing


async def _fetch_nothing(url: str, cache_dir: str) -> NoReturn:
    raise gr.Error("this server fetches nothing: upload the picture", print_exception=False)


class OnlyUsedRoutes:
    """ASGI middleware: status 404 for what the page does not use."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on."""
        refused = scope["type"] == "http" and not _is_used(scope["path"])
        await (PlainTextResponse("not found\n", 404) if refused else self._app)(scope, receive, send)


def _is_used(path: str) -> bool:
    if not path.startswith(_API):
        return not path.startswith(_NOT_USED)
    asked = path.removeprefix(_API)
    # `file=URL` would be fetched
    return asked.startswith(_USED) and not (asked.startswith("file=") and "://" in asked)
