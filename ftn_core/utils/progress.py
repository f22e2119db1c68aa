"""A line every few seconds for work that takes long: plain lines, which logs and pipes keep."""

import time
from datetime import timedelta


class Progress:
    """Prints how much is done, how fast it goes and how long is left; nothing for work that ends soon.

    Args:
        what: what is being done.
        unit: what is counted.
        total: how many there will be, where that is known.
        start: how many were there before, which does not count for the rate.
        every: seconds between lines.
    """

    def __init__(self, what: str, unit: str, total: float | None, *, start: float = 0, every: float = 5) -> None:
        self._what, self._unit, self._total, self._start, self._every = what, unit, total, start, every
        self._began = self._printed = time.monotonic()

    def __call__(self, done: float, note: str = "") -> None:
        """``done`` units are done by now, the earlier ones included; ``note`` ends the line."""
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
        print(line + (f", {note}" if note else ""), flush=True)

    def of(self, done: float, total: float) -> None:
        """As a call, where how many there will be is only known now."""
        self._total = total
        self(done)
