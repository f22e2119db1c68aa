"""Lets a server end in its own way when it is told to, so that no temporary file stays."""

import signal
import sys


def end_on_signals() -> None:
    """Leave by ``SystemExit`` on SIGTERM, and on SIGHUP, that of a closed terminal, unless ``nohup`` has it ignored.

    While uvicorn serves, it handles SIGTERM itself. Then it raises the signal again: by default that would end the
    process at once. An address is announced when uvicorn does (as the ``lifespan`` of the application): whoever sends a
    signal as soon as it stands there would else disturb the imports with which uvicorn starts.
    """
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # Windows has none
        signal.signal(signal.SIGHUP, lambda number, frame: signal.raise_signal(signal.SIGTERM))
