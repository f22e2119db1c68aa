"""What is printed: the services are asked at the same time, and each gets its lines, whatever happens."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

DEADLINE = 30.0
"""Seconds for all of it, for what no timeout reaches: a name server that is silent, a folder on a dead file server."""


class FaultError(Exception):
    """What is wrong, in words that may be redact_url."""


class Line(NamedTuple):
    """What is printed of one service."""

    works: bool
    what: str
    text: str

    def __str__(self) -> str:
        return f"{'ok   ' if self.works else 'FAULT'}  {self.what}: {self.text}"


Check = Callable[[], Iterator[Line]]


def line(what: str, address: str, probe: Callable[[], str]) -> Line:
    """What ``probe`` finds out, or the fault that it raises."""
    try:
        return Line(True, what, f"{address}: {probe()}")
    except FaultError as error:
        return Line(False, what, f"{address}: {error}")


def check_all(checks: dict[str, Check], deadline: float = DEADLINE) -> list[Line]:
    """Run the checks at the same time; lines come in the order of ``checks``."""
    found: dict[str, list[Line]] = {}

    def run(what: str, check: Check) -> None:
        try:
            found[what] = list(check())
        except Exception as error:  # a text of unknown making may hold a secret
            found[what] = [Line(False, what, f"the check itself failed: {type(error).__name__}")]

    # daemons: what hangs must not keep the command from ending
    threads = [threading.Thread(target=run, args=check, daemon=True) for check in checks.items()]
    end = time.monotonic() + deadline
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    silent = f"no result after {deadline:.0f} s"
    return [line for what in checks for line in found.get(what, [Line(False, what, silent)])]
