"""``ftn serve``: restoring over HTTP."""

from typing import Annotated

import typer

from serving.http.options import AllowedHosts, Host, Port

MEGAPIXELS = 50
"""The most that one picture may have, unless the user says otherwise."""


def serve_command(
    model: Annotated[
        str | None, typer.Option(help="photo, ffdnet, champion, models:/NAME@ALIAS or a file; else FTN_MODEL or photo.")
    ] = None,
    host: Host = "127.0.0.1",
    allowed_host: AllowedHosts = None,
    port: Port = 8000,
    megapixels: Annotated[float, typer.Option("--max-megapixels", min=0.001, help="Of one picture.")] = MEGAPIXELS,
) -> None:
    """Restore pictures over HTTP: curl --data-binary @photo.jpg 127.0.0.1:8000/restore -o restored.jpg."""
    from serving.http.port import listen
    from serving.http.signals import end_on_signals

    end_on_signals()
    listener = listen(host, port)
    print("Loading ...", flush=True)
    from serving.http.server import serve_restoring

    serve_restoring(model, listener, round(megapixels * 1e6), allowed_host or [])
