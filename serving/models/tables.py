"""Output of commands: tables for people, and JSON for programs."""

import dataclasses
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ftn_core.utils.messages import printable

COLOURS = {"ok": "green", "passed": "green", "differs": "red", "failed": "red", "unknown": "yellow"}


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns under their heads. Through a pipe there are no colours, and a row is one line, however long."""
    terminal = sys.stdout.isatty()
    table = Table(box=None, header_style="bold", pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell), style=COLOURS.get(cell, "")) for cell in row))
    console = Console() if terminal else Console(width=100_000, no_color=True)
    with console.capture() as captured:
        console.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def print_json(value: object) -> None:
    """Print JSON, with dataclasses as objects and times as ISO 8601."""
    print(json.dumps(value, indent=1, default=_plain))


def moment(at: datetime) -> str:
    """A time in the local time zone."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _plain(value: Any) -> Any:  # noqa: ANN401 - of json
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no form in JSON")
