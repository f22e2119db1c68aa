import pytest
import torch

from ftn_core.parameters.network import Network
from ftn_core.runtime.checkpoint import write_tensors
from ftn_core.runtime.network_file import TrainedNetwork, build_network, network_spec
from ftn_core.utils.errors import UserError


def test_the_parameters_say_what_is_built_and_the_inputs_only_where_they_are_others_than_usual():
    options = Network(name="resnet", channels=8, depth=5)
    assert network_spec(options) == {"name": "resnet", "channels": 8, "depth": 5}
    assert network_spec(options, inputs=4)["inputs"] == 4
    assert build_network(**network_spec(options, inputs=4)).head.in_channels == 4


def test_saved_and_loaded_it_is_the_same(tmp_path):
    spec = {"name": "dncnn", "channels": 8, "depth": 5, "inputs": 4}
    network = build_network(**spec)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    network(torch.rand(2, 4, 16, 16))  # batch norm's statistics are no longer those of the beginning
    TrainedNetwork(spec, network, 0.6).save(tmp_path / "network")
    loaded = TrainedNetwork.load(tmp_path / "network")
    assert (loaded.spec, loaded.level) == (spec, 0.6)
    x = torch.rand(1, 4, 12, 14)
    torch.testing.assert_close(loaded.network(x), network.eval()(x))
    assert not loaded.network.training and not any(p.requires_grad for p in loaded.network.parameters())
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in loaded.network.state_dict().items())


def test_another_file_is_refused(tmp_path):
    write_tensors(tmp_path / "level", {}, {"format": "ftn-level/1"})
    with pytest.raises(UserError, match=r"level is of format 'ftn-level/1'; this version reads 'ftn-network/1'"):
        TrainedNetwork.load(tmp_path / "level")
