"""Kills a pipeline at random moments and starts it again at once: ``python tests/support/kills.py 100``.

The process that does this gets the orphans and reaps none, as in a container without an init: what was killed stays as
a zombie. With ``--container`` every start is a PID namespace of its own, so that process ids come again.
"""

import argparse
import ctypes
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Self

import mlflow
import psutil
from forked_python import forked_python
from sandbox import Sandbox

DOORS = {"repro": ["-m", "flows.repro"], "flow": ["-m", "flows.pipeline"]}
REGISTER = ["-m", "flows.repro", "--single-item", "--force", "register"]
HOW = ["process", "group", "everything"]
"""Only the process that was started; with its group; with all its descendants, as a machine that loses power."""
_PR_SET_CHILD_SUBREAPER = 36
_ENDED = os.WEXITED | os.WNOWAIT
"""Tells how a process ended, and leaves it as a zombie."""


class Killer:
    """Runs commands in a sandbox and kills some of them. Its log is ``kills.log`` beside the sandbox."""

    def __init__(self, sandbox: Sandbox, seed: int, *, longest: float = 10.0, container: bool = False) -> None:
        """Each command is killed at most ``longest`` seconds after its first stage has started."""
        self.sandbox = sandbox
        self.random = random.Random(seed)
        self.log = sandbox.root.parent / "kills.log"
        self.killed: Counter[str] = Counter()
        self._longest = longest
        self._container = container
        self._zombies: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
        return self

    def __exit__(self, *_: object) -> None:
        self.sandbox.interpreter = forked_python()
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 0)

    def until_done(self, kills: int, doors: tuple[str, ...] = ("repro", "flow")) -> int:
        """Start a random door, kill it, and so on, until one has done everything; returns how many were killed.

        Args:
            kills: at most so many; then a door may end.
        """
        for done in range(kills):
            door = self.random.choice(doors)
            if self._start_and_kill(DOORS[door], door):
                return done
        assert self._end(DOORS[doors[0]]) == 0, self.log.read_text()[-5000:]
        return kills

    def register(self, kills: int) -> None:
        """Kill the stage that registers."""
        for _ in range(kills):
            self._start_and_kill(REGISTER, "register")
        assert self._end(REGISTER) == 0, self.log.read_text()[-5000:]

    def wait_for_uploads(self) -> None:
        """Wait until nothing runs any more: an uploader outlives a killed stage."""
        deadline = time.monotonic() + 120
        while running := [process for process in psutil.Process().children(recursive=True) if self._is_here(process)]:
            assert time.monotonic() < deadline, running
            time.sleep(0.2)

    def _is_here(self, process: psutil.Process) -> bool:
        try:
            return process.cwd() == str(self.sandbox.root)
        except psutil.Error:  # a zombie, or gone
            return False

    def _start_and_kill(self, command: list[str], name: str) -> bool:
        """Whether the command ended well before it was to be killed."""
        start = self.log.stat().st_size if self.log.exists() else 0
        process = self._start(command)
        if self.random.random() < 0.8:  # else at once: it is killed while it starts, too
            while not self._ended(process) and b"Running stage" not in self.log.read_bytes()[start:]:
                time.sleep(0.05)
        moment = time.monotonic() + self.random.uniform(0, self._longest)
        while not self._ended(process) and time.monotonic() < moment:
            time.sleep(0.02)
        if status := self._ended(process):
            assert status.si_code == os.CLD_EXITED and status.si_status == 0, self.log.read_text()[-5000:]
            return True
        how = self.random.choice(HOW)
        self._kill(process, how)
        self.killed[f"{name}, {how}"] += 1
        return False

    def _kill(self, process: "subprocess.Popen[bytes]", how: str) -> None:
        everything = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGKILL) if how == "group" else process.send_signal(signal.SIGKILL)
        for victim in everything if how == "everything" or self._container else ():
            try:
                victim.kill()
            except psutil.NoSuchProcess:
                continue

    def _end(self, command: list[str]) -> int:
        process = self._start(command, sys.executable if self._container else forked_python())
        return os.waitid(os.P_PID, process.pid, _ENDED).si_status

    def _ended(self, process: "subprocess.Popen[bytes]") -> "os.waitid_result | None":
        return os.waitid(os.P_PID, process.pid, _ENDED | os.WNOHANG)

    def _start(self, command: list[str], interpreter: str = sys.executable) -> "subprocess.Popen[bytes]":
        """Start a command with the real interpreter, which can be killed, or another one for all of its stages."""
        self.sandbox.interpreter = interpreter
        own = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"] if self._container else []
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*own, interpreter, *command], cwd=self.sandbox.root, env=self.sandbox.environment(),
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self._zombies.append(process)  # a Popen that is forgotten is reaped
        return process


def check(killed: Sandbox, undisturbed: Sandbox) -> None:
    """A sandbox after kills is as if nobody had killed anything."""
    a, b = killed.outputs(), undisturbed.outputs()
    assert a.keys() == b.keys(), a.keys() ^ b.keys()
    assert [name for name in a if a[name] != b[name]] == []
    assert "Data and pipelines are up to date." in (out := killed.dvc("status")), out
    assert recorded(killed) == recorded(undisturbed)
    assert list((killed.root / ".ftn/tracking").iterdir()) == []
    assert list((killed.root / ".ftn/resume").glob("*")) == []


def recorded(sandbox: Sandbox) -> dict[str, object]:
    """What MLflow has, less what differs from run to run."""
    client = mlflow.MlflowClient(sandbox.tracking_uri)
    experiment = client.get_experiment_by_name("ftn").experiment_id
    runs = client.search_runs([experiment], max_results=1000)
    assert len(names := [run.info.run_name for run in runs]) == len(set(names)), names
    found: dict[str, object] = {
        run.info.run_name: (
            run.info.status,
            {
                key: sorted(metric.step for metric in client.get_metric_history(run.info.run_id, key))
                for key in run.data.metrics
                if not key.startswith("system/")
            },
            sorted(file.path for file in client.list_artifacts(run.info.run_id)),
        )
        for run in runs
    }
    models = client.search_logged_models([experiment])
    versions = client.search_model_versions("name = 'ftn-denoiser'")
    found["models"] = [str(model.status) for model in models]
    found["versions"] = [(version.version, sorted(version.tags), version.aliases) for version in versions]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kills", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--container", action="store_true")
    parser.add_argument("--folder", type=Path, required=True, help="is made; holds one sandbox for each round")
    given = parser.parse_args()
    reference = Sandbox(given.folder / "undisturbed/project")
    reference.python("-m", "flows.repro")
    total, number = 0, 0
    how: Counter[str] = Counter()
    while total < given.kills:
        number += 1
        sandbox = Sandbox(given.folder / f"{number}/project")
        with Killer(sandbox, given.seed + number, container=given.container) as killer:
            killer.until_done(given.kills - total - 4)
            killer.register(4)
            killer.wait_for_uploads()
        check(killer.sandbox, reference)
        total, how = total + killer.killed.total(), how + killer.killed
        print(f"round {number}: {killer.killed.total()} kills, {total} in all; as if nobody had killed it", flush=True)
        shutil.rmtree(killer.sandbox.root)
    for name, count in sorted(how.items()):
        print(f"{count:4} {name}")


if __name__ == "__main__":
    main()
