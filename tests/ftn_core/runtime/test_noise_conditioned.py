import torch

from ftn_core.runtime.network_file import build_network
from ftn_core.runtime.noise_conditioned import NoiseConditioned


class Last(torch.nn.Module):
    """Returns the map of sigma that it was given."""

    radius = 0

    def forward(self, x):
        return x[:, 3:].expand(-1, 3, -1, -1)


def test_it_is_given_one_sigma_or_each_images_own():
    network = NoiseConditioned(Last(), 0.3)
    x = torch.rand(2, 3, 4, 5)
    assert torch.equal(network(x), torch.full_like(x, 0.3))
    sigmas = torch.tensor([0.1, 0.2]).view(2, 1, 1, 1)
    assert torch.equal(network(x, sigmas), sigmas.expand(2, 3, 4, 5))


def test_the_sigma_that_it_is_given_matters():
    network = build_network("unshuffle_net", 8, 1, 4)
    torch.nn.init.normal_(network.tail.weight)
    x = torch.rand(1, 3, 8, 8)
    assert not torch.allclose(NoiseConditioned(network, 0.1)(x), NoiseConditioned(network, 0.5)(x))
