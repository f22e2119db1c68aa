"""A project with models of three quantities and two registered versions, the real server, and a real browser."""

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import httpx
import mlflow
import pytest
import torch
from forked_python import forked_python
from own_mlflow import own_mlflow
from project import ROOT
from small_denoiser import DEJPEG, PLEASING

from ftn_core.data.task import DENOISING, Task
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.runtime.network_file import build_network

SPEC = {"name": "unshuffle_net", "channels": 8, "depth": 1}


def make_denoiser(seed: int, task: Task = DENOISING, levels: tuple[float, float] = (0.2, 0.6)) -> ContinuousDenoiser:
    """Untrained, but every position of its dial restores differently."""
    torch.manual_seed(seed)
    base = build_network(**SPEC).eval().requires_grad_(False)
    torch.nn.init.normal_(base.tail.weight, std=0.05)
    transition = build_transition("dni", base, 2.5, rescale=False).requires_grad_(False)
    for value in transition.state_dict().values():
        value.add_(0.05 * torch.randn_like(value))
    adapted = AdaptedLevel(levels[1], "dni", {"rescale": False}, transition, {})
    return ContinuousDenoiser(task, SPEC, base, levels[0], [adapted])


@dataclass
class Project:
    root: Path
    files: dict[str, Path]
    versions: dict[str, Path]

    @property
    def tracking_uri(self) -> str:
        return f"sqlite:///{self.root / 'mlflow.db'}"

    def start(self, *options: str, **env: str) -> subprocess.Popen[str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")}
        return subprocess.Popen(
            [forked_python(), "-m", "serving.command", "demo", "--no-browser", *options],
            cwd=self.root, env=clean | {"PYTHONPATH": str(ROOT), "MLFLOW_DISABLE_TELEMETRY": "true"} | env,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Project:
    root = tmp_path_factory.mktemp("project")
    made_of = {"dni": (), "ftn": (), "jpeg": (DEJPEG, (40, 10)), "objective": (PLEASING, (0, 1))}
    files = {name: root / "models/denoisers" / f"{name}.safetensors" for name in made_of}
    for seed, (name, path) in enumerate(files.items()):
        make_denoiser(seed, *made_of[name]).save(path)
    made = Project(root, files, {})
    with own_mlflow():
        mlflow.set_tracking_uri(made.tracking_uri)
        for version in ("1", "2"):
            made.versions[version] = register(root, int(version))
        mlflow.MlflowClient().set_registered_model_alias("ftn-denoiser", "champion", "2")
    return made


def register(root: Path, version: int) -> Path:
    """Register a version, with only what the page needs of what stage `register` writes."""
    weights = root / "registered" / f"{version}.safetensors"
    make_denoiser(100 + version).save(weights)
    client = mlflow.MlflowClient()
    if not client.get_experiment_by_name("e"):
        client.create_experiment("e", artifact_location=(root / "artifacts").as_uri())
    mlflow.set_experiment("e")
    with mlflow.start_run():
        model = mlflow.pyfunc.log_model(
            name="denoiser",
            python_model=str(ROOT / "registry/model/denoiser_model.py"),
            artifacts={"denoiser": str(weights)},
            pip_requirements=["torch"],
        )
    assert mlflow.register_model(model.model_uri, "ftn-denoiser", tags={"ftn.levels": "[0.2, 0.6]"}).version == version
    return weights


@pytest.fixture(scope="module")
def address(project):
    """Address of the running page."""
    process = project.start("--port", "0", FTN_MODEL="champion")
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "The page is at " in line:
            break
    else:
        pytest.fail("".join(lines))
    address = line.split("The page is at ")[1].split(";")[0]
    yield address
    # an open connection must not keep the server from ending
    with httpx.Client() as client:
        assert client.get(f"{address}/health").status_code == 200
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 130 and "answers, median " in output and "Traceback" not in output, output
