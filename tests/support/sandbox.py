"""A copy of the project at a small size, for tests that run it for real."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property, reduce
from operator import getitem
from pathlib import Path

import yaml
from forked_python import forked_python
from project import ROOT
from skimage import data
from skimage.io import imsave

SMALL = {
    "threads": 1,  # beside other tests two would wait for each other
    "data.source": "folder",
    "data.levels": [0.2, 0.3, 0.5],
    "levels.adapted": [0.5],
    "levels.methods": ["ftn"],
    "levels.from_scratch": [],
    "network.channels": 8,
    "network.depth": 1,
    "train.steps": 30,
    "train.crop": 32,
    "train.validations": 2,
    "finetune.steps": 20,
    "finetune.crop": 32,
    "evaluate.alphas": 2,
    "gate.min_gain": -5.0,
    "gate.max_harm": 5.0,
    "gate.min_evenness": 0.0,
    "gate.max_time": 100.0,  # beside so small a network blending takes long
}

VARYING = (
    "registered.json", "verdict.json", "verdict.md", "card.md", "costs.json", "table.md", "report.html"
)  # fmt: skip
"""Outputs that name a run or hold a measured time."""

GIT = ("git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "core.compression=0")
PHOTOGRAPHS = [("train", "astronaut", 0), ("train", "coffee", 99), ("val", "chelsea", 40), ("test", "chelsea", 200)]
"""Split, scikit-image's name, and where a crop of 97 x 101 begins."""


class Sandbox:
    """A git clone of the working tree with its own DVC cache, MLflow store and Prefect home.

    Its ``python`` is ``interpreter``: ``forked_python``, unless it is set to the real one.

    Args:
        unused_rows: keep the transitions that no row uses, each of which is a stage.
        changes: of ``params.yaml``, beside those of ``SMALL``.
    """

    def __init__(self, root: Path, *, unused_rows: bool = False, **changes: object) -> None:
        self.root = root
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file() and name != "dvc.lock":
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, root / name)
        params = yaml.safe_load((root / "params.yaml").read_text())
        for key, value in (SMALL | changes).items():
            *sections, name = key.split(".")
            reduce(getitem, sections, params)[name] = value
        if not unused_rows:
            params["transitions"] = {row: params["transitions"][row] for row in params["levels"]["methods"]}
        (root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
        for split, image, left in PHOTOGRAPHS:
            folder = root / "photographs" / split
            folder.mkdir(parents=True, exist_ok=True)
            crop = getattr(data, image)()[60:157, left : left + 101]
            imsave(folder / f"{image}{left}.png", crop, check_contrast=False)
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
        self.commit()

    @property
    def prefect(self) -> Path:
        """Prefect's home."""
        return self.root.parent / "prefect"

    def commit(self) -> None:
        """Commit all files that Git does not ignore."""
        for command in (["add", "-A"], ["commit", "-qm", "sandbox"]):
            subprocess.run([*GIT, *command], cwd=self.root, check=True)

    def save_often(self) -> None:
        """Let trainings save their state ten times a second."""
        code = self.root / "ftn_core/training/loop.py"
        code.write_text(re.sub("(SAVE|CHECK)_SECONDS = .*", r"\1_SECONDS = 0.1", code.read_text()))
        self.commit()

    def pretend_made(self) -> None:
        """Write stand-ins for all outputs, which DVC then takes for made; the sandbox must be the working directory."""
        from dvc.repo import Repo

        with Repo() as repo:
            inputs = [Path(dep.fs_path) for stage in repo.index.stages for dep in stage.deps]
            for path in [Path(out.fs_path) for stage in repo.index.stages for out in stage.outs]:
                for file in [dep for dep in inputs if path in dep.parents] or [path]:
                    stand_in = file if file.suffix else file / "stand-in"
                    stand_in.parent.mkdir(parents=True, exist_ok=True)
                    stand_in.write_text(str(file))
            repo.commit(force=True)

    @cached_property
    def interpreter(self) -> str:
        return forked_python()

    @contextlib.contextmanager
    def real_python(self) -> Iterator[None]:
        """Within the block programs are no forks, and can be killed with their children."""
        kept, self.interpreter = self.interpreter, sys.executable
        try:
            yield
        finally:
            self.interpreter = kept

    def start(self, *command: str, **env: str) -> subprocess.Popen[str]:
        """Start a command of the environment's own ``bin`` in the sandbox; output and errors together."""
        return subprocess.Popen(
            command, cwd=self.root, env=self.environment() | env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True,
        )  # fmt: skip

    def environment(self) -> dict[str, str]:
        """Without the addresses of the process that runs the tests."""
        own = {
            "PATH": os.pathsep.join(
                [*(str(Path(p).parent) for p in (self.interpreter, sys.executable)), os.environ["PATH"]]
            ),
            "PREFECT_HOME": str(self.prefect),
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        }
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "PREFECT", "DVC"))}
        return clean | own

    def run(self, *command: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        process = self.start(*command, **env)
        out, _ = process.communicate()
        if check and process.returncode:
            raise AssertionError(f"{' '.join(command)} ended with {process.returncode}:\n{out}")
        return subprocess.CompletedProcess(command, process.returncode, out)

    def python(self, *arguments: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        return self.run(self.interpreter, *arguments, check=check, **env)

    def dvc(self, *arguments: str, check: bool = True, **env: str) -> str:
        return self.python("-m", "dvc", *arguments, check=check, **env).stdout

    def untracked(self, *targets: str, **env: str) -> None:
        """Run stages by DVC without MLflow, which costs each of them seconds."""
        self.dvc("repro", *targets, FTN_TRACKING="off", **env)

    def outputs(self) -> dict[str, bytes]:
        """Every output's bytes, except those of ``VARYING``."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for folder in ("data", "models", "results")
            for path in sorted((self.root / folder).rglob("*"))
            if path.is_file() and path.name not in VARYING
        }

    @property
    def tracking_uri(self) -> str:
        return f"sqlite:///{self.root / 'mlflow.db'}"
