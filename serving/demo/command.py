"""``ftn demo``: the slider page."""

from typing import Annotated

import typer


def demo_command(
    model: Annotated[
        str | None, typer.Option(help="To open with: photo, ffdnet, champion, models:/NAME/VERSION or a file.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; there is no password.")] = "127.0.0.1",
    allowed_host: Annotated[
        list[str] | None, typer.Option(help="Name by which others reach it, as the browser shows it. Repeatable.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 7860,
    browser: Annotated[bool, typer.Option(help="Open it in a browser.")] = True,
) -> None:
    """Serve a page with the dial: drag it and see the photograph change.

    Programs can send pictures to the same server, as to that of ftn serve.
    """
    from serving.http.port import listen

    listener = listen(host, port)
    print("Loading ...", flush=True)
    from serving.demo.server import serve_page

    serve_page(model, listener, browser, allowed_host or [])
