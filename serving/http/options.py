"""Options of the commands that listen: ``ftn serve`` and ``ftn demo``."""

from typing import Annotated

import typer

Host = Annotated[str, typer.Option(help="Address to listen on; there is no password.")]
AllowedHosts = Annotated[
    list[str] | None, typer.Option(help="Name by which others reach it, as the browser shows it. Repeatable.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")]
