"""A user's mistakes: one line that says what to do, exit code 2."""

import socket

import pytest
from ports import free_ports

from ftn_core.utils.errors import UserError
from serving.demo.api import Api
from serving.demo.models import find_models
from serving.demo.server import serve_page
from serving.http.port import listen


@pytest.fixture
def here(project, monkeypatch):
    """The project as working directory."""
    monkeypatch.chdir(project.root)
    return project


def test_a_port_that_is_taken(project):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        process = project.start("--port", str(port))
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    assert out.splitlines()[-1] == (
        f"ftn: port {port} of 127.0.0.1 cannot be had (Address already in use): choose another with --port"
    )


def test_without_a_project_the_released_models_are_offered(here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = find_models()
    assert found.labels == {"photo": "photo (released)", "ffdnet": "ffdnet (released)"} and found.first == "photo"
    assert not list(tmp_path.iterdir())


def test_no_champion(here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"mlflow\.db does not exist"):
        serve_page("champion", listen("127.0.0.1", 0), browser=False)
    assert not list(tmp_path.iterdir())


def test_a_model_that_is_none(here, tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.safetensors does not exist"):
        Api("nowhere.safetensors", tmp_path)


def test_the_registrys_versions_come_first(here, monkeypatch):
    found = find_models("champion")
    assert found.labels == {
        "models:/ftn-denoiser/2": "ftn-denoiser 2 · champion",
        "models:/ftn-denoiser/1": "ftn-denoiser 1",
        "models/denoisers/dni.safetensors": "dni (this project)",
        "models/denoisers/ftn.safetensors": "ftn (this project)",
        "models/denoisers/jpeg.safetensors": "jpeg (this project)",
        "models/denoisers/objective.safetensors": "objective (this project)",
        "photo": "photo (released)",
        "ffdnet": "ffdnet (released)",
    }
    assert found.first == "models:/ftn-denoiser/2" and not found.registry_error
    assert find_models("models:/ftn-denoiser@champion").first == "models:/ftn-denoiser/2"
    assert find_models().first == "photo"
    monkeypatch.setenv("FTN_MODEL", "champion")
    assert find_models().first == "models:/ftn-denoiser/2"
    elsewhere = find_models("elsewhere/x.safetensors")
    assert elsewhere.first == next(iter(elsewhere.labels)) == "elsewhere/x.safetensors"


def test_without_a_registry_the_methods_of_the_parameters_come_first(here, tmp_path, monkeypatch):
    (tmp_path / "models").symlink_to(here.root / "models")
    monkeypatch.chdir(tmp_path)
    assert next(iter(find_models("models/denoisers/dni.safetensors").labels)) == "models/denoisers/dni.safetensors"
    from project import ROOT

    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())  # whose first method is ftn
    assert list(find_models().labels)[1] == "models/denoisers/ftn.safetensors"  # after the one that opens
    assert not (tmp_path / "mlflow.db").exists()


def test_a_registry_that_does_not_answer_leaves_the_files(here, monkeypatch):
    port = free_ports(1)[0]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:secret@127.0.0.1:{port}")
    found = find_models()
    assert found.registry_error.startswith(f"MLflow at http://127.0.0.1:{port} does not answer (")
    assert "secret" not in found.registry_error
    files = [f"models/denoisers/{name}.safetensors" for name in here.files]
    assert list(found.labels) == ["photo", *files, "ffdnet"]
