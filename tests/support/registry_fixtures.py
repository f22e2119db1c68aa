"""Fixtures that the tests of registry and serving share."""

import shutil
from functools import partial

import mlflow
import pytest
from small_denoiser import folded, small_denoiser


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """File of the small denoiser. The fixture ``expected`` writes it."""
    return tmp_path_factory.mktemp("denoiser") / "d.safetensors"


@pytest.fixture(scope="module")
def expected(weights):
    """Function from images and a level to what that denoiser makes of them."""
    return partial(folded, small_denoiser(weights))


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """An empty MLflow database, to be copied: creating its tables takes seconds."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}", f"sqlite:///{path}").search_registered_models()
    return path


@pytest.fixture
def client(tmp_path, monkeypatch, empty_store):
    """A client of a SQLite store of the test's own, in the working directory."""
    from registry import server

    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return server.mlflow_client()
