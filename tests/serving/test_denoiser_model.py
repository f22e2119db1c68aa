from types import SimpleNamespace

import mlflow.models
import numpy as np
import pytest
import torch

from ftn_core.continuous import ContinuousDenoiser, Level
from ftn_core.networks import build_network
from ftn_core.transitions import build_transition

SPEC = {"name": "unshuffle_net", "channels": 8, "depth": 1}


@pytest.fixture
def denoiser(tmp_path):
    torch.manual_seed(0)
    base = build_network(**SPEC).eval()
    torch.nn.init.normal_(base.tail.weight, std=0.1)
    transition = build_transition("ftn", base, 2.5, groups=1)
    transition.transitions[0].slopes[0].data *= 0.5
    denoiser = ContinuousDenoiser(SPEC, base, 0.2, [Level(0.5, "ftn", {"groups": 1}, transition, {})])
    denoiser.save(tmp_path / "d.safetensors")
    return denoiser


@pytest.fixture
def model(denoiser, tmp_path, monkeypatch):
    chosen = []
    monkeypatch.setattr(mlflow.models, "set_model", chosen.append)
    import runpy

    from project import ROOT

    runpy.run_path(str(ROOT / "serving/denoiser_model.py"))
    (model,) = chosen
    model.load_context(SimpleNamespace(artifacts={"denoiser": str(tmp_path / "d.safetensors")}))
    return model


@pytest.mark.parametrize("sigma", [0.05, 0.2, 0.35, 0.5, 1.0])
def test_it_is_the_folded_network_at_the_dials_place(denoiser, model, sigma):
    images = np.random.default_rng(0).random((2, 21, 30, 3), np.float32)
    restored = model.predict(None, images, {"sigma": sigma})
    network = denoiser.fold(denoiser.position(sigma))
    with torch.inference_mode():
        expected = network(torch.from_numpy(images).permute(0, 3, 1, 2)).clamp(0, 1).permute(0, 2, 3, 1)
    np.testing.assert_allclose(restored, expected.numpy(), atol=1e-6)


def test_without_sigma_it_is_the_base_whatever_came_before(model):
    images = np.random.default_rng(0).random((1, 16, 16, 3), np.float32)
    first = model.predict(None, images)
    model.predict(None, images, {"sigma": 0.5})
    np.testing.assert_array_equal(model.predict(None, images, {}), first)
    assert first.dtype == np.float32 and first.flags.c_contiguous
