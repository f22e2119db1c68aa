"""Runs the checks of all services at the same time. Each gives its results, whatever happens to the others."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

DEADLINE = 30.0
"""Seconds for all checks. It covers what has no timeout: a silent name server, a folder on a dead file server."""


class CheckError(Exception):
    """Why a service does not work. The message holds no secret, so it can be printed."""


class CheckResult(NamedTuple):
    """The result of checking one service, printed as one line."""

    works: bool
    service: str
    text: str

    def __str__(self) -> str:
        return f"{'ok    ' if self.works else 'FAILED'} {self.service}: {self.text}"


ServiceCheck = Callable[[], Iterator[CheckResult]]


def run_probe(service: str, address: str, probe: Callable[[], str]) -> CheckResult:
    """The result of ``probe``: the text that it returns, or the ``CheckError`` that it raises."""
    try:
        return CheckResult(True, service, f"{address}: {probe()}")
    except CheckError as error:
        return CheckResult(False, service, f"{address}: {error}")


def check_all(checks: dict[str, ServiceCheck], deadline: float = DEADLINE) -> list[CheckResult]:
    """Run the checks at the same time; the results come in the order of ``checks``."""
    found: dict[str, list[CheckResult]] = {}

    def run(service: str, check: ServiceCheck) -> None:
        try:
            found[service] = list(check())
        except Exception as error:  # the text of an unexpected error may hold a secret
            found[service] = [CheckResult(False, service, f"the check itself failed: {type(error).__name__}")]

    # daemons: a check that hangs must not keep the command from ending
    threads = [threading.Thread(target=run, args=check, daemon=True) for check in checks.items()]
    end = time.monotonic() + deadline
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    late = f"no result after {deadline:.0f} s"
    return [result for service in checks for result in found.get(service, [CheckResult(False, service, late)])]
