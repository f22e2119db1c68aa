"""Lets a server end in its own way when it is told to, so that no temporary file stays."""

import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager


def end_on_signals() -> None:
    """Leave by ``SystemExit`` on SIGTERM, and on SIGHUP, that of a closed terminal, unless ``nohup`` has it ignored.

    While uvicorn serves, it handles SIGTERM itself. Then it raises the signal again: by default that would end the
    process at once.
    """
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # Windows has none
        signal.signal(signal.SIGHUP, lambda number, frame: signal.raise_signal(signal.SIGTERM))


def when_ready(announce: Callable[[], None]) -> Callable[[object], AbstractAsyncContextManager[None]]:
    """The ``lifespan`` of an application that announces its address after uvicorn has installed its signal handlers.

    A signal that comes earlier interrupts uvicorn's start, which then prints warnings.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        announce()
        yield

    return lifespan
