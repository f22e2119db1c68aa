import shutil

import mlflow
import pytest


@pytest.fixture(autouse=True)
def own_addresses(monkeypatch):
    """Where MLflow is, for each test anew: setting it also sets globals, which go first, and the environment."""
    monkeypatch.setattr("mlflow.tracking._tracking_service.utils._tracking_uri", None)
    monkeypatch.setattr("mlflow.tracking._model_registry.utils._registry_uri", None)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.setenv(name, "")  # so that it is as it was when the test is over
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """An MLflow database with nothing in it: creating its tables takes seconds."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}", f"sqlite:///{path}").search_registered_models()
    return path


@pytest.fixture
def client(tmp_path, monkeypatch, empty_store):
    """A client of a SQLite store of the test's own."""
    from serving.registry import server

    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return server.client()
