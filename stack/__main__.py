"""``python -m stack up | status | down``: the servers of a team on one machine."""

import argparse
import base64
import shlex
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from ftn_core.utils.environment_file import load_environment
from ftn_core.utils.errors import UserError
from ftn_core.utils.urls import redact_url
from stack import postgres, s3, supervisor
from stack.deploy import deploy
from stack.programs import programs
from stack.settings import ENVIRONMENT_FILE, HOME, PASSWORD, Settings, load_settings, write_private

START_TIMEOUT = 180.0
"""Seconds within which a server must answer: its first start creates tables."""
MLFLOW_PROBE = "api/2.0/mlflow/experiments/get?experiment_id=0"
PREFECT_PROBE = "admin/version"


def up(settings: Settings) -> None:
    """Start what is not running, create what is missing, print the addresses. It can be run again at any time."""
    _refuse_unless_free(settings.bind, 0, f"FTN_BIND: {settings.bind} is no address of this machine")
    already_up = supervisor.running()
    wanted = programs(settings)
    if not already_up:
        _refuse_taken_ports(wanted, settings.bind)
    supervisor.write_config(wanted)
    supervisor.update() if already_up else supervisor.start_daemon()
    names = {program.name for program in wanted}
    is_ready: dict[str, Callable[[], bool]] = {
        "postgres": lambda: postgres.is_ready(settings),
        "s3": lambda: s3.is_ready(settings),
        "mlflow": lambda: _answers(
            f"{settings.mlflow}/{MLFLOW_PROBE}", settings.login if settings.own_mlflow else None
        ),
        "prefect": lambda: _answers(
            f"{settings.prefect}/{PREFECT_PROBE}", settings.login if settings.own_prefect else None
        ),
    }
    for name in ("postgres", "s3"):
        if name in names:
            supervisor.start(name)
    for name in ("postgres", "s3"):
        if name in names:
            _wait_until_ready(name, is_ready[name])
    if settings.own_mlflow or settings.own_prefect:
        postgres.create_databases(settings, "mlflow", "prefect")
    s3.create_buckets(settings)
    remote = s3.point_dvc(settings)
    for name in ("prefect", "mlflow"):
        if name in names:
            supervisor.start(name)
    for name in ("prefect", "mlflow"):
        _wait_until_ready(name, is_ready[name], ours=name in names)
    print("deployments, pools, limits ...", flush=True)
    deploy(settings.client_environment())
    for name in ("worker-default", "worker-gpu"):
        supervisor.start(name)
    lines = (f"export {key}={shlex.quote(value)}" for key, value in settings.client_environment().items())
    write_private(ENVIRONMENT_FILE, "\n".join([*lines, ""]))
    print(f"Prefect  {redact_url(settings.prefect.removesuffix('/api'))}")
    print(f"MLflow   {redact_url(settings.mlflow)}")
    print(f"S3       {redact_url(settings.endpoint or 'AWS')}, DVC pushes to {remote}")
    if settings.auth is None:
        print(f"Their pages ask for a login: user {settings.login[0]}, password in {PASSWORD}")
    print(f"To use them in a shell: . {ENVIRONMENT_FILE}")
    print(f"To use them always in this clone: (umask 077; cat {ENVIRONMENT_FILE} >> .env)")


def status() -> None:
    """Print the state of each program.

    Raises:
        UserError: one of them does not run.
    """
    if not supervisor.running():
        raise UserError("nothing runs here: make up")
    states = supervisor.states()
    print(states, end="")
    if any(line.split()[1] != "RUNNING" for line in states.splitlines()):
        raise UserError(f"not all of them run: see {supervisor.LOGS}")


def down() -> None:
    """Stop everything; the data stay."""
    if supervisor.running():
        supervisor.shut_down()
    s3.release_dvc()
    print(f"stopped; data stay in {HOME}")


def _refuse_taken_ports(wanted: list[supervisor.Program], bind: str) -> None:
    for program in wanted:
        for use, port in program.ports.items():
            for host in {"127.0.0.1", bind}:
                _refuse_unless_free(
                    host,
                    port,
                    f"port {port}, for {use}, is taken by another program: end it, or set "
                    f"FTN_{program.name.upper()}_PORT in the environment or .env",
                )


def _refuse_unless_free(host: str, port: int, refusal: str) -> None:
    """Raise ``UserError`` with this message unless a server could listen there."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError:
        raise UserError(refusal) from None


def _answers(url: str, login: tuple[str, str] | None) -> bool:
    """Whether a server answers.

    Args:
        login: its user and password, if it is one that was started here. Then it must let us in.
    """
    request = urllib.request.Request(url)
    if login:
        request.add_header("Authorization", f"Basic {base64.b64encode(':'.join(login).encode()).decode()}")
    try:
        with urllib.request.urlopen(request, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        if login and error.code in (400, 401, 403):
            raise UserError(f"{url} refuses what `make up` asks: {error.code} {error.read(200).decode()}") from None
        return error.code in (401, 403)  # it is up, and asks for another password
    except (OSError, ValueError):
        return False


def _wait_until_ready(name: str, ready: Callable[[], bool], *, ours: bool = True) -> None:
    print(f"{name} ...", flush=True)
    deadline = time.monotonic() + (START_TIMEOUT if ours else 10)
    while not ready():
        if time.monotonic() > deadline:
            where = f"see {supervisor.LOGS / name}.log" if ours else "its address is yours: `make check`"
            raise UserError(f"{name} does not answer: {where}")
        time.sleep(0.3)


def main() -> int:
    """Run one of the commands; returns 2 for an error that the user can repair."""
    parser = argparse.ArgumentParser(prog="python -m stack", description=__doc__)
    parser.add_argument("command", choices=["up", "status", "down"])
    given = parser.parse_args()
    load_environment()
    try:
        match given.command:
            case "up":
                up(load_settings())
            case "status":
                status()
            case "down":
                down()
    except UserError as error:
        print(f"{given.command}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
