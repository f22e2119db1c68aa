"""Progress of long work, printed as a plain line every few seconds, which also suits logs and pipes."""

import time
from datetime import timedelta

from ftn_core.utils.messages import say


class Progress:
    """Prints how much is done, the rate, and the remaining time. It prints nothing for work that ends soon.

    Args:
        what: what is being done.
        unit: what is counted.
        total: number of units in all; None if unknown.
        start: units that were done before; they do not count for the rate.
        every: seconds between lines.
    """

    def __init__(self, what: str, unit: str, total: float | None, *, start: float = 0, every: float = 5) -> None:
        self._what, self._unit, self._total, self._start, self._every = what, unit, total, start, every
        self._began = self._printed = time.monotonic()

    def __call__(self, done: float, note: str = "") -> None:
        """Report that ``done`` units are done, including earlier ones; ``note`` is appended to the line."""
        now = time.monotonic()
        if now - self._printed < self._every:
            return
        self._printed = now
        rate = (done - self._start) / (now - self._began)
        line = f"{self._what}: {done:.0f}"
        if self._total is not None:
            line += f" of {self._total:.0f} {self._unit}, {100 * done / self._total:.0f}%"
        else:
            line += f" {self._unit}"
        line += f", {rate:.1f} {self._unit}/s"
        if self._total is not None and rate > 0:
            line += f", {timedelta(seconds=round((self._total - done) / rate))} left"
        say(line + (f", {note}" if note else ""))

    def of(self, done: float, total: float) -> None:
        """Report as a call does, and set the total, for work whose total becomes known late."""
        self._total = total
        self(done)
