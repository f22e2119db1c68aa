"""``ftn demo``: the slider page."""

from typing import Annotated

import typer

from serving.http.options import AllowedHosts, Host, Port


def demo_command(
    model: Annotated[
        str | None, typer.Option(help="To open with: photo, ffdnet, champion, models:/NAME/VERSION or a file.")
    ] = None,
    host: Host = "127.0.0.1",
    allowed_host: AllowedHosts = None,
    port: Port = 7860,
    browser: Annotated[bool, typer.Option(help="Open it in a browser.")] = True,
) -> None:
    """Serve a page with the dial: drag it and see the photograph change.

    Programs can send pictures to the same server, as to that of ftn serve.
    """
    from serving.http.port import listen
    from serving.http.signals import end_on_signals

    end_on_signals()
    listener = listen(host, port)
    print("Loading ...", flush=True)
    from serving.demo.server import serve_page

    serve_page(model, listener, browser, allowed_host or [])
