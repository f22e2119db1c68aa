"""Loading models from a real registry, and the messages when one cannot be loaded."""

import mlflow
import pytest
import torch
from ports import free_ports
from project import ROOT
from small_denoiser import DEJPEG, small_denoiser
from small_registry import package_denoiser

from ftn_core.utils.errors import UserError
from serving.load import CHAMPION_NAME, champion_uri, load_denoiser


@pytest.fixture
def registered(client, tmp_path, monkeypatch):
    """A denoiser that is version 1 and champion."""
    denoiser = small_denoiser(tmp_path / "d.safetensors")
    mlflow.set_experiment(experiment_id=client.create_experiment("ftn", str(tmp_path / "artifacts")))
    monkeypatch.chdir(ROOT)  # the code that is packed is read from here
    with mlflow.start_run():
        model = package_denoiser(tmp_path / "d.safetensors")
    monkeypatch.chdir(tmp_path)
    version = mlflow.register_model(model.model_uri, "ftn-denoiser").version
    client.set_registered_model_alias("ftn-denoiser", "champion", version)
    return denoiser


def test_a_version_is_loaded_by_number_and_by_alias(registered):
    for source in (CHAMPION_NAME, champion_uri(), "models:/ftn-denoiser/1"):
        state = load_denoiser(source).state(0.5)
        assert state.keys() == registered.state(0.5).keys()
        assert all(torch.equal(state[name], tensor) for name, tensor in registered.state(0.5).items())
    with pytest.raises(UserError, match=r"^models:/ftn-denoiser/7 cannot be read from sqlite:.*not found"):
        load_denoiser("models:/ftn-denoiser/7")


def test_a_models_signature_names_its_own_quantity(client, tmp_path, monkeypatch):
    small_denoiser(tmp_path / "d.safetensors", DEJPEG, (40, 10))
    mlflow.set_experiment(experiment_id=client.create_experiment("ftn", str(tmp_path / "artifacts")))
    monkeypatch.chdir(ROOT)
    with mlflow.start_run():
        (parameter,) = package_denoiser(tmp_path / "d.safetensors").signature.params.params
    assert (parameter.name, parameter.default) == ("quality", 40.0)


def test_a_server_that_does_not_answer_is_named_without_its_password(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://ada:planted@127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(UserError, match=r"^MLflow at http://127\.0\.0\.1:\d+ does not answer") as error:
        load_denoiser(champion_uri())
    assert "planted" not in str(error.value)


def test_the_champion_is_of_the_model_that_the_project_at_hand_registers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert champion_uri() == "models:/ftn-denoiser@champion"
    text = (ROOT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text.replace("model: ftn-denoiser", "model: ftn-dejpeg"))
    assert champion_uri() == "models:/ftn-dejpeg@champion"


def test_released_models_are_loaded_by_name():
    assert load_denoiser("ffdnet").ends == (0, 75 / 255)
    assert load_denoiser("photo").ends == (0, pytest.approx(75 / 255, abs=1e-6))
