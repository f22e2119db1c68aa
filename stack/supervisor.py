"""The process manager, supervisord: it restarts programs that end, and keeps their logs."""

import configparser
import io
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from ftn_core.utils.errors import UserError
from stack.settings import HOME, write_private

CONFIG = HOME / "supervisord.conf"
BIN = Path(sys.executable).parent
LOGS = HOME / "logs"
PID = HOME / "supervisord.pid"
"""supervisord removes it as the last thing."""


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
        "logfile": str(LOGS / "supervisord.log"),
        "childlogdir": str(LOGS),
        "pidfile": str(PID),
    }
    for program in programs:
        environment = {"PYTHONUNBUFFERED": "1", **program.environment}
        config[f"program:{program.name}"] = {
            "command": shlex.join(program.command),
            "environment": ",".join(f'{key}="{value}"' for key, value in environment.items()),
            "stdout_logfile": str(LOGS / f"{program.name}.log"),
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
    for section in config.values():
        for key, value in section.items():
            section[key] = _escaped(value)
    LOGS.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    config.write(text)
    write_private(CONFIG, text.getvalue())


def start_daemon() -> None:
    """Start supervisord in the background; returns when it answers."""
    # its message about a bad configuration would show passwords
    if _run("supervisord").returncode:
        raise UserError(f"supervisord refuses {CONFIG}: `{BIN / 'supervisord'} -c {CONFIG} -n` says why")
    _wait_until(running, "does not start")


def update() -> None:
    """Let a running supervisord read the configuration again: it stops only the programs that changed."""
    if _run("supervisorctl", "update").returncode:
        raise UserError(f"supervisord does not accept {CONFIG}: make down, then make up")


def running() -> bool:
    """Whether supervisord runs."""
    return _run("supervisorctl", "pid").returncode == 0


def states() -> str:
    """One line for each program: name, state, process and uptime, or why it does not run."""
    return _run("supervisorctl", "status").stdout


def start(name: str) -> None:
    """Start a program, unless it runs already; returns when it has stayed up for a second."""
    done = _run("supervisorctl", "start", name)
    if done.returncode:
        raise UserError(f"{done.stdout.strip()}: see {LOGS / name}.log")


def shut_down() -> None:
    """Stop all programs, then supervisord; returns when all have ended."""
    _run("supervisorctl", "shutdown")
    _wait_until(lambda: not PID.exists(), "does not end")


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / program), "--configuration", str(CONFIG.absolute()), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def _wait_until(done: Callable[[], bool], failure: str) -> None:
    deadline = time.monotonic() + 60
    while not done():
        if time.monotonic() > deadline:
            raise UserError(f"supervisord {failure}: see {LOGS / 'supervisord.log'}")
        time.sleep(0.1)


def _socket() -> Path:
    path = HOME.absolute() / "supervisor.sock"
    if len(str(path)) < 90:  # the system's limit is 104 or 108, and supervisord first binds to a longer name
        return path
    return Path(tempfile.gettempdir()) / f"ftn-{sha256(str(path).encode()).hexdigest()[:16]}.sock"


def _escaped(text: str) -> str:
    """Paths can hold "%", which supervisord expands, and " #", from which on it would see a comment."""
    return re.sub(r"(?<=\s)(?=[#;])", "%(here).0s", text.replace("%", "%%"))  # expands to nothing
