import torch
from torch import nn

from ftn_core.data.store import Store
from ftn_core.evaluation.baselines import score_networks
from ftn_core.evaluation.pairs import Pairs
from ftn_core.evaluation.scoring import score
from ftn_core.runtime.noise_conditioned import NoiseConditioned

CPU = torch.device("cpu")


class Faded(nn.Module):
    """Fades to grey by as much as the map of sigma says."""

    radius = 0

    def forward(self, x):
        return torch.lerp(x[:, :3], torch.full_like(x[:, :3], 0.5), x[:, 3:])


class FadedAlike(nn.Module):
    """The same by as much at every level."""

    def __init__(self, sigma):
        super().__init__()
        self.sigma = sigma

    def forward(self, x):
        return torch.lerp(x, torch.full_like(x, 0.5), self.sigma)


def test_each_network_is_scored_at_each_level_and_a_noise_conditioned_one_is_given_its_sigma(sets):
    photographs, noisy = sets
    clean, degraded = Store(photographs / "test"), {s: Store(noisy[s] / "test") for s in (0.1, 0.5)}
    loaded, passes = [], []

    def load(name, network):
        def note():
            loaded.append(name)
            return network

        return note

    networks = {
        "degraded input": load("degraded input", nn.Identity()),
        "conditioned": load("conditioned", NoiseConditioned(Faded(), 0.9)),
    }
    found = score_networks(networks, clean, degraded, None, CPU, lambda done, total: passes.append((done, total)))
    pairs = Pairs(clean, degraded, CPU)
    assert next(found) == ("degraded input", {s: score(nn.Identity(), pairs, s) for s in degraded})
    assert loaded == ["degraded input"]  # one network at a time is in memory
    assert next(found) == ("conditioned", {s: score(FadedAlike(s), pairs, s) for s in degraded})
    assert passes == [(1, 4), (2, 4), (3, 4), (4, 4)]
