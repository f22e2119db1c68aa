"""A toy project with the real DVC: prepare -> degraded@{0.2, 0.5}; degraded@0.5, method@ftn -> finetune@ftn-0.5;
finetune@ftn-0.5, degraded@0.2 -> evaluate. As in dvc.yaml, method@ftn only copies a file.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
from forked_python import forked_python
from prefect_database import make_database

import flows  # noqa: F401 - sets the environment before Prefect is imported

PROJECT = Path(__file__).parents[2]

WORK = '''
"""work.py NAME OUT INPUT...: writes OUT and a line into runs.log. Files named after a stage steer it:
fail-NAME, slow-NAME. DVC does not know them, so they make no stage stale."""
import sys, time
from pathlib import Path

name, out, *inputs = sys.argv[1:]
start = time.time()
print(f"hello from {name}")
if Path(f"slow-{name}").exists():
    Path(f"started-{name}").touch()
    time.sleep(float(Path(f"slow-{name}").read_text()))
if Path(f"fail-{name}").exists():
    for i in range(30):
        print(f"{name} says {i}")
    sys.exit(f"boom in {name}")
Path(out).parent.mkdir(exist_ok=True)
Path(out).write_text("| x |\\n|---|\\n" + "".join(Path(i).read_text() for i in inputs))
with open("runs.log", "a") as log:
    log.write(f"{name} {start} {time.time()}\\n")
'''

GRAPH = """
stages:
  evaluate:
    cmd: python work.py evaluate results/table.md out/ft-0.5.txt out/degraded-0.2.txt
    deps: [out/ft-0.5.txt, out/degraded-0.2.txt]
    outs: [results/table.md]
  finetune:
    matrix:
      method: [ftn]
      level: [0.5]
    cmd: python work.py finetune@${item.method}-${item.level} out/ft-${item.level}.txt out/degraded-${item.level}.txt
    deps: ["out/degraded-${item.level}.txt", "out/methods/${item.method}.txt"]
    params: [finetune.steps]
    outs: ["out/ft-${item.level}.txt"]
  method:
    foreach: {ftn: {method: fancy}}
    do:
      cmd: mkdir -p out/methods && cp ${item.method}.txt out/methods/${key}.txt
      deps: ["${item.method}.txt"]
      outs: ["out/methods/${key}.txt"]
  degraded:
    matrix:
      level: [0.2, 0.5]
    cmd: python work.py degraded@${item.level} out/degraded-${item.level}.txt out/prepared.txt
    deps: [out/prepared.txt]
    outs: ["out/degraded-${item.level}.txt"]
  prepare:
    desc: the start
    cmd: python work.py prepare out/prepared.txt seed.txt
    deps: [seed.txt]
    outs: [out/prepared.txt]
"""


@dataclass
class Toy:
    """The toy project, which is also the working folder."""

    root: Path
    stages = frozenset({"prepare", "method@ftn", "degraded@0.2", "degraded@0.5", "finetune@ftn-0.5", "evaluate"})

    def dvc(self, *arguments: str) -> str:
        return _run(self.root, forked_python(), "-m", "dvc", *arguments)

    def commit(self) -> None:
        (self.root / ".gitignore").write_text("out\nresults\nruns.log\n.ftn\n")
        for command in (["add", "-A"], ["commit", "-qm", "toy"]):
            _run(self.root, "git", "-c", "user.name=t", "-c", "user.email=t@t", *command)

    def runs(self) -> list[str]:
        """The stages that ran work.py, in order of their end."""
        return [name for name, _, _ in self.times()]

    def times(self) -> list[tuple[str, float, float]]:
        log = self.root / "runs.log"
        rows = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        return [(name, float(start), float(end)) for name, start, end in rows]


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session", autouse=True)
def _programs():
    """`python` in a stage's command is the one that runs the tests, also under a plain `dvc repro`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        yield


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory):
    from prefect.testing.utilities import prefect_test_harness

    folder = tmp_path_factory.mktemp("prefect")
    make_database(folder / "prefect-test.db")
    its_folder = mock.patch("prefect.testing.utilities.mkdtemp", return_value=str(folder))
    with its_folder, prefect_test_harness(server_startup_timeout=180):
        yield


@pytest.fixture(scope="session")
def _fresh_toy(tmp_path_factory):
    root = tmp_path_factory.mktemp("toy") / "fresh"
    root.mkdir()
    _run(root, "git", "init", "-q")
    _run(root, forked_python(), "-m", "dvc", "init", "-q")
    (root / ".dvc/config").write_text("[core]\n    analytics = false\n    check_update = false\n")
    (root / "work.py").write_text(WORK)
    (root / "dvc.yaml").write_text(GRAPH)
    (root / "seed.txt").write_text("seed\n")
    (root / "fancy.txt").write_text("method\n")
    shutil.copy(PROJECT / "params.yaml", root)
    return root


@pytest.fixture(scope="session")
def _done_toy(_fresh_toy):
    root = _fresh_toy.with_name("done")
    shutil.copytree(_fresh_toy, root)
    _run(root, forked_python(), "-m", "dvc", "repro", "-q")
    (root / "runs.log").unlink()
    return root


@pytest.fixture
def fresh(_fresh_toy, tmp_path, monkeypatch):
    """The toy before anything ran."""
    return _copy(_fresh_toy, tmp_path, monkeypatch)


@pytest.fixture
def done(_done_toy, tmp_path, monkeypatch):
    """The toy after `dvc repro`, with an empty runs.log."""
    return _copy(_done_toy, tmp_path, monkeypatch)


@pytest.fixture
def committed(done):
    """The toy after `dvc repro`, with everything but outputs in a commit."""
    done.commit()
    return done


def _copy(source, tmp_path, monkeypatch):
    root = tmp_path / "a toy #1"
    shutil.copytree(source, root)
    monkeypatch.chdir(root)
    return Toy(root)
