"""Starts `ftn serve` as a user does."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
from ports import free_ports
from project import ROOT
from wire import Client, Request


class ModelService:
    """Serves a model's file until ``stop`` is called."""

    def __init__(self, folder: Path, weights: Path, *options: str) -> None:
        self.log = folder / "service.log"
        self.port = free_ports(1)[0]
        command = [sys.executable, "-m", "serving.command", "serve", "--model", str(weights), "--port", str(self.port)]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, *options], cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self, seconds: float = 180) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5):
                    return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)

    def ask(self, picture: bytes, query: str = "") -> tuple[int, bytes]:
        """Send one picture on a new connection. Returns status and body of the answer."""
        client = Client(self.port)
        answer = client.send(Request("", picture, path=f"/restore{query}").wire())
        client.close()
        return answer

    @property
    def megabytes(self) -> float:
        """Resident memory of the server in MB."""
        return psutil.Process(self.process.pid).memory_info().rss / 2**20

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
