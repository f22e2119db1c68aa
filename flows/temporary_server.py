"""Prefect's temporary server, which a run starts where ``PREFECT_API_URL`` names none."""

import atexit
import logging
import os
import signal
import subprocess
import sys
import threading

import prefect
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import get_current_settings

from tasks import parent_death


def start_server(at_work: threading.Lock) -> None:
    """Start a server that Ctrl-C does not end.

    A terminal sends Ctrl-C to the server, too. A run whose server is gone tries for a minute to report to it. A signal
    that is blocked here stays blocked in a process that is started meanwhile.

    Args:
        at_work: held while stages run, which need no server.
    """
    server, leaving = _Server(), threading.Event()  # Prefect takes this one instead of starting its own
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        server.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    atexit.register(leaving.set)  # runs before Prefect stops the server, which registered earlier
    threading.Thread(target=_watch, args=(server.server_process, leaving, at_work), daemon=True).start()


class _Server(SubprocessASGIServer):
    def _run_uvicorn_command(self) -> "subprocess.Popen[bytes]":
        """The command of Prefect's class, in a process that ends with this one."""
        own = {
            "PREFECT_UI_ENABLED": "0",
            "PREFECT__SERVER_EPHEMERAL": "1",
            "PREFECT__SERVER_FINAL": "1",
            "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",  # it is stopped while it writes, and would print tracebacks
            parent_death.RUN: str(os.getpid()),
        }
        settings = get_current_settings().to_environment_variables(exclude_unset=True)
        module = ["uvicorn", "--app-dir", str(prefect.__module_path__.parent), "--factory"]
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--log-level", "error", "--lifespan", "on"]
        return subprocess.Popen(
            [sys.executable, "-P", parent_death.__file__, *module, "prefect.server.api.server:create_app", *options],
            env={**os.environ, **settings, **own},
        )


def _watch(process: "subprocess.Popen[bytes]", leaving: threading.Event, at_work: threading.Lock) -> None:
    """End this process if its server is gone: Prefect would try for minutes to report to it."""
    code = process.wait()
    if leaving.is_set():
        return
    for name in ("prefect.events.clients", "prefect._internal.concurrency"):  # they would say it for every event
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.raiseExceptions = False  # else Prefect's log sender prints a traceback for every batch
    print(f"Prefect's temporary server ended (exit code {code}): stages that run go on", file=sys.stderr, flush=True)
    with at_work:
        print(
            "Without its server this run cannot end as it should. What its stages made is kept: run this again",
            file=sys.stderr,
            flush=True,
        )
        sys.stdout.flush()
        os._exit(1)
