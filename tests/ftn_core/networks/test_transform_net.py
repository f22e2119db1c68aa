import pytest
import torch

from ftn_core.data.task import DENOISING
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.runtime.images import restore
from ftn_core.runtime.network_file import build_network
from ftn_core.training.adapted import AdaptedNetwork

SPEC = {"name": "transform_net", "channels": 12, "depth": 2}
METHODS = {
    "ftn": {"groups": 1, "biases": True},
    "adafm": {"kernel": 5},
    "dni": {},
    "scale_mix": {"mixes": 1, "groups": 2},
}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_adapts_it_folds_and_is_read_again(method, tmp_path):
    torch.manual_seed(0)
    base = build_network(**SPEC).eval()
    transition = build_transition(method, base, 1.0, **METHODS[method])
    adapted = AdaptedNetwork(base, transition, (1.0, 2.0))
    x = torch.rand(2, 3, 21, 30)
    torch.testing.assert_close(adapted(x), base(x), atol=1e-5, rtol=0)  # it starts as the base
    optimizer = torch.optim.Adam(transition.parameters(), 0.002)
    losses = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = (adapted(x) - 1 + x).square().mean()
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    assert losses[-1] < losses[0]
    learned = [parameter.grad.abs().sum() > 0 for parameter in transition.parameters()]
    # what instance norm takes away again, a scale of its input, alone has a gradient of nothing but rounding
    assert all(learned)
    denoiser = ContinuousDenoiser(
        DENOISING, SPEC, base, 1.0, [AdaptedLevel(2.0, method, METHODS[method], transition, {})]
    )
    with torch.no_grad():
        torch.testing.assert_close(denoiser.fold(1.0)(x), adapted(x), atol=1e-5, rtol=0)
        assert torch.equal(denoiser.fold(0.0)(x), denoiser.extended(x))
    denoiser.save(tmp_path / "file")
    read = ContinuousDenoiser.load(tmp_path / "file")
    with torch.no_grad():
        assert torch.equal(read.fold(0.5)(x), denoiser.fold(0.5)(x))


@pytest.mark.parametrize("method", ["ftn", "dni", "scale_mix"])
def test_a_level_has_norms_of_its_own(method):
    base = build_network(**SPEC)
    state = build_transition(method, base, 1.0, **METHODS[method])(dict(base.named_parameters()))
    assert {"head.1.weight", "body.6.first.1.bias"} <= state.keys()


def test_what_it_shows_is_an_image_and_small_ones_go_through():
    network = build_network(**SPEC).eval()
    for side in (1, 4, 5, 16):
        output = restore(network, 5 * torch.randn(1, 3, side, side + 1))
        assert output.shape == (1, 3, side, side + 1) and output.min() >= 0 and output.max() <= 1
