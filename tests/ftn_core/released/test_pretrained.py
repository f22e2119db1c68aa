"""Weights that exist as the start of a training."""

import pytest
import torch
from lightning_fabric import Fabric
from small_denoiser import small_denoiser

from ftn_core.released import pretrained
from ftn_core.released.ffdnet import SPEC, published_ffdnet
from ftn_core.released.pretrained import pretrained_network
from ftn_core.runtime.network_file import TrainedNetwork, build_network
from ftn_core.training.line import LineNetwork
from ftn_core.training.train import initial_network
from ftn_core.utils.errors import UserError


def test_it_is_the_models_network_at_the_level():
    network, denoiser = pretrained_network("ffdnet", SPEC, 0.1), published_ffdnet()
    expected = denoiser.fold(denoiser.position(0.1)).state_dict()
    assert network.state_dict().keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in network.state_dict().items())


def test_a_file_of_the_folder_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path)
    denoiser = small_denoiser(tmp_path / "mine.safetensors")
    network = pretrained_network("mine.safetensors", denoiser.spec, 0.2)
    assert all(torch.equal(value, denoiser.state(0.0)[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("name", ["fotto", "../README.md/x"])
def test_an_unknown_model_is_named(name):
    with pytest.raises(
        UserError, match=rf"^train\.start: there is no {name}: take one of photo, ffdnet, or put a file"
    ):
        pretrained_network(name, SPEC, 0.1)


def test_another_network_is_refused_with_the_right_one():
    with pytest.raises(UserError, match="set network to name ffdnet, channels 96, depth 12"):
        pretrained_network("ffdnet", SPEC | {"depth": 11}, 0.1)


def test_a_training_starts_from_the_weights_and_a_line_from_both_ends(tmp_path):
    fabric, spec = Fabric(accelerator="cpu", devices=1), {"name": "unshuffle_net", "channels": 8, "depth": 1}
    torch.manual_seed(1)
    files = [tmp_path / "first", tmp_path / "last"]
    saved = [build_network(**spec) for _ in files]
    for network, file in zip(saved, files, strict=True):
        TrainedNetwork(spec, network, 0.1).save(file)
    ends = [initial_network(spec, 0, fabric, file) for file in files]
    line = LineNetwork(ends[0], (0.1, 0.5), 1, far=ends[1])
    for s, network in zip((0.0, 1.0), saved, strict=True):
        for name, value in line.weights(s).items():
            torch.testing.assert_close(value, network.state_dict()[name], rtol=0, atol=1e-6)
    fresh, other = (initial_network(spec, seed, fabric, tmp_path / "none").state_dict() for seed in (0, 1))
    assert any(not torch.equal(fresh[name], other[name]) for name in fresh)
