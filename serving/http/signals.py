"""Lets a server end in its own way when it is told to, so that no temporary file stays."""

import signal
import sys


def end_on_signals() -> None:
    """Leave by ``SystemExit`` on SIGTERM, and on SIGHUP, that of a closed terminal, unless ``nohup`` has it ignored.

    While uvicorn serves, it handles SIGTERM itself. Then it raises the signal again: by default that would end the
    process at once. Servers announce their address in the application's ``lifespan``, after uvicorn has installed its
    handlers: a signal that comes earlier interrupts uvicorn's start, which then prints warnings.
    """
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # Windows has none
        signal.signal(signal.SIGHUP, lambda number, frame: signal.raise_signal(signal.SIGTERM))
