import shutil

import mlflow
import pytest
import torch

from ftn_core.continuous import ContinuousDenoiser, Level
from ftn_core.networks import build_network
from ftn_core.transitions import build_transition

SPEC = {"name": "unshuffle_net", "channels": 8, "depth": 1}


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """An MLflow database with nothing in it: creating its tables takes seconds."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_registered_models()
    return path


@pytest.fixture
def client(tmp_path, monkeypatch, empty_store):
    """A client of a SQLite store of the test's own."""
    from serving.registry import server

    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    before = mlflow.get_tracking_uri()
    yield server.client()
    mlflow.set_tracking_uri(before)
    mlflow.set_registry_uri(before)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """The file of a small denoiser whose levels differ."""
    torch.manual_seed(0)
    base = build_network(**SPEC).eval()
    torch.nn.init.normal_(base.tail.weight, std=0.1)
    transition = build_transition("ftn", base, 2.5, groups=1)
    transition.transitions[0].slopes[0].data *= 0.5
    path = tmp_path_factory.mktemp("denoiser") / "d.safetensors"
    ContinuousDenoiser(SPEC, base, 0.2, [Level(0.5, "ftn", {"groups": 1}, transition, {})]).save(path)
    return path


@pytest.fixture(scope="module")
def expected(weights):
    """What the network folded for a sigma makes of images, N x H x W x 3."""
    denoiser = ContinuousDenoiser.load(weights)

    def restored(images, sigma):
        network = denoiser.fold(denoiser.position(sigma))
        with torch.inference_mode():
            output = network(torch.from_numpy(images).permute(0, 3, 1, 2)).clamp(0, 1)
        return output.permute(0, 2, 3, 1).numpy()

    return restored
