import pytest
import torch

from ftn_core.data.task import DENOISING
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.runtime.network_file import build_network
from ftn_core.training.adapted import AdaptedNetwork, initialize_on_dial

SPEC = {"name": "resnet", "channels": 8, "depth": 5}
OPTIONS = {
    "dni": {"rescale": True},
    "adafm": {"kernel": 3},
    "ftn": {"groups": 1},
    "cfsnet": {},
    "dynamic_net": {"after": [0.5, 1.0], "width": 1.0},
}
X = torch.rand(1, 3, 20, 24)


def make_denoiser(method):
    torch.manual_seed(0)
    base = build_network(**SPEC).eval()
    levels = []
    for sigma in (0.5, 0.6):
        transition = build_transition(method, base, sigma / 0.2, **OPTIONS[method])
        for parameter in transition.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
        levels.append(AdaptedLevel(sigma, method, OPTIONS[method], transition, {}))
    return ContinuousDenoiser(
        DENOISING, SPEC, base, 0.2, levels, dial=[(0.2, 0.0), (0.3, 0.25), (0.5, 1.0), (0.6, 2.0)]
    )


def started(denoiser, method, sigma):
    transition = build_transition(method, denoiser.base, sigma / 0.2, **OPTIONS[method])
    initialize_on_dial(transition, denoiser, sigma)
    return AdaptedNetwork(denoiser.base, transition, (0.2, sigma)).eval()


@pytest.mark.parametrize(
    ("method", "sigma"),
    [
        *((method, sigma) for method in ("dni", "adafm", "dynamic_net") for sigma in (0.3, 0.55)),
        ("cfsnet", 0.3),  # between two adapted levels its coefficients are products of interpolated layers
    ],
)
def test_a_level_between_starts_as_the_network_on_the_dial(method, sigma):
    denoiser = make_denoiser(method)
    expected = denoiser.fold(denoiser.position(sigma))(X)
    torch.testing.assert_close(started(denoiser, method, sigma)(X), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("method", OPTIONS)
def test_at_the_last_level_it_starts_as_that_level(method):
    denoiser = make_denoiser(method)
    torch.testing.assert_close(started(denoiser, method, 0.6)(X), denoiser.fold(2)(X), rtol=1e-5, atol=1e-5)


def test_training_it_leaves_the_neighbours_alone():
    denoiser = make_denoiser("dni")
    before = {name: value.clone() for name, value in denoiser.levels[1].transition.state_dict().items()}
    for parameter in started(denoiser, "dni", 0.6).transition.parameters():
        assert parameter.requires_grad
        parameter.data += 1
    after = denoiser.levels[1].transition.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
