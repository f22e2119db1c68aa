"""The process manager, supervisord: it restarts programs that end, and keeps their logs."""

import configparser
import contextlib
import io
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from ftn_core.utils.errors import UserError
from stack.settings import HOME, write_private

CONFIG = HOME / "supervisord.conf"
LOGS = HOME / "logs"


@dataclass(frozen=True)
class Program:
    """One server or worker: its command, what its environment adds, and the ports that must be free for it."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"


def write_config(programs: list[Program]) -> None:
    """Write supervisord's configuration, readable by this user alone: environments hold passwords."""
    config = configparser.RawConfigParser()
    config["unix_http_server"] = {"file": str(_socket()), "chmod": "0700"}
    config["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    config["supervisorctl"] = {"serverurl": f"unix://{_socket()}"}
    config["supervisord"] = {
        "logfile": str(LOGS.absolute() / "supervisord.log"),
        "childlogdir": str(LOGS.absolute()),
        "pidfile": str(HOME.absolute() / "supervisord.pid"),
        "directory": str(Path.cwd()),
    }
    for program in programs:
        environment = {"PYTHONUNBUFFERED": "1", **program.environment}
        config[f"program:{program.name}"] = {
            "command": _escaped(shlex.join(program.command)),
            "environment": ",".join(f'{key}="{_escaped(value)}"' for key, value in environment.items()),
            "stdout_logfile": str(LOGS.absolute() / f"{program.name}.log"),
            "stdout_logfile_maxbytes": "20MB",
            "stdout_logfile_backups": "2",
            "redirect_stderr": "true",
            "autostart": "false",
            "autorestart": "true",
            "startretries": "100",  # each retry waits a second longer: a database may need time
            "stopsignal": program.stop_signal,
            "stopwaitsecs": "30",
            "killasgroup": "true",
        } | ({"user": program.user} if program.user else {})
    LOGS.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    config.write(text)
    write_private(CONFIG, text.getvalue())


def start_daemon() -> None:
    """Start supervisord in the background."""
    program = str(Path(sys.executable).parent / "supervisord")
    # its message about a bad configuration would show passwords
    done = subprocess.run([program, "--configuration", str(CONFIG.absolute())], capture_output=True)
    if done.returncode:
        raise UserError(f"supervisord refuses {CONFIG}: `{program} -c {CONFIG} -n` says why")
    deadline = time.monotonic() + 20
    while not running():
        if time.monotonic() > deadline:
            raise UserError(f"supervisord does not start: see {LOGS / 'supervisord.log'}")
        time.sleep(0.1)


def update() -> None:
    """Let a running supervisord read the configuration again: it stops only the programs that changed."""
    program = str(Path(sys.executable).parent / "supervisorctl")
    done = subprocess.run([program, "--configuration", str(CONFIG.absolute()), "update"], capture_output=True)
    if done.returncode:
        raise UserError(f"supervisord does not accept {CONFIG}: make down, then make up")


def running() -> bool:
    """Whether supervisord runs."""
    try:
        with contextlib.suppress(Fault):  # it runs, but is shutting down
            _rpc().getState()
    except OSError:
        return False
    return True


def states() -> dict[str, dict[str, Any]]:
    """supervisord's information on each program: ``statename``, ``description``, ``start``, ``pid`` ..."""
    return {info["name"]: info for info in _rpc().getAllProcessInfo()}


def start(name: str) -> None:
    """Start a program, unless it runs already; returns when it has stayed up for a second."""
    try:
        _rpc().startProcess(name, True)
    except Fault as fault:
        if "ALREADY_STARTED" not in fault.faultString:
            raise UserError(f"{name} does not start: {fault.faultString}: see {LOGS / name}.log") from None


def shut_down() -> None:
    """Stop all programs, then supervisord; returns when all have ended."""
    pid = int(_rpc().getPID())
    _rpc().shutdown()
    deadline = time.monotonic() + 60
    while running() or Path(f"/proc/{pid}").exists():
        if time.monotonic() > deadline:
            raise UserError(f"supervisord (process {pid}) does not end: see {LOGS / 'supervisord.log'}")
        time.sleep(0.1)


def _rpc() -> Any:  # noqa: ANN401 - a proxy has the methods of the server
    from supervisor.xmlrpc import SupervisorTransport

    transport = SupervisorTransport(None, None, f"unix://{_socket()}")
    return ServerProxy("http://127.0.0.1", transport=transport).supervisor


def _socket() -> Path:
    path = HOME.absolute() / "supervisor.sock"
    if len(str(path)) < 90:  # the system's limit is 104 or 108, and supervisord first binds to a longer name
        return path
    return Path(tempfile.gettempdir()) / f"ftn-{sha256(str(path).encode()).hexdigest()[:16]}.sock"


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
