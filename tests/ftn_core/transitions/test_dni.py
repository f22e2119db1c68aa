import pytest
import torch
from torch.func import functional_call

from ftn_core.data.task import DENOISING
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.runtime.network_file import build_network

SPEC = {"name": "resnet", "channels": 8, "depth": 5}
X = torch.rand(1, 3, 16, 16)


@pytest.fixture
def denoiser():
    """A base with batch norm and two levels at which everything differs."""
    torch.manual_seed(0)
    base = build_network(**SPEC).eval()
    levels = []
    for sigma in (0.5, 0.6):
        transition = build_transition("dni", base, sigma / 0.2)
        for parameter in transition.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
        statistics = {n: b + torch.rand_like(b) for n, b in base.named_buffers() if b.is_floating_point()}
        levels.append(AdaptedLevel(sigma, "dni", {}, transition.requires_grad_(False), statistics))
    return ContinuousDenoiser(DENOISING, SPEC, base, 0.2, levels)


def test_starts_as_the_base_and_everything_learns():
    base = build_network(**SPEC)
    transition = build_transition("dni", base, 2.5)
    level = transition(dict(base.named_parameters()))
    for name, parameter in base.named_parameters():
        assert torch.equal(level[name], parameter)
        assert level[name] is not parameter and level[name].requires_grad
    assert level.keys() == dict(base.named_parameters()).keys()


def test_rescaled_it_starts_as_the_base_on_the_image_with_less_contrast():
    torch.manual_seed(0)
    base = build_network("unshuffle_net", 8, 2).eval()
    for parameter in base.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    level = build_transition("dni", base, 2.5, rescale=True)(dict(base.named_parameters()))
    torch.testing.assert_close(functional_call(base, level, (X,)), 2.5 * base(X / 2.5), atol=1e-5, rtol=1e-5)


def test_all_parameters_and_statistics_are_interpolated_linearly(denoiser):
    a, b = denoiser.state(1), denoiser.state(2)
    middle = denoiser.state(1.3)
    assert any("running_var" in name for name in middle) and any("norm.weight" in name for name in middle)
    for name, value in middle.items():
        assert not torch.equal(a[name], b[name])
        torch.testing.assert_close(value, 0.7 * a[name] + 0.3 * b[name])


def test_several_networks_blend_by_weights_that_sum_to_one(denoiser):
    blended = denoiser.mix([0.2, 0.5, 0.3])
    states = [denoiser.state(i) for i in range(3)]
    for name, value in blended.state_dict().items():
        if value.is_floating_point():
            expected = 0.2 * states[0][name] + 0.5 * states[1][name] + 0.3 * states[2][name]
            torch.testing.assert_close(value, expected)
    torch.testing.assert_close(denoiser.mix([0.25, 0.75, 0])(X), denoiser.fold(0.75)(X))


@pytest.mark.parametrize("weights", [[0.5, 0.6, 0.3], [0.5, 0.5], [0.5, 0.25, 0.25, 0.0]])
def test_other_weights_are_refused(denoiser, weights):
    with pytest.raises(ValueError, match="3 weights that sum to one"):
        denoiser.mix(weights)


def test_saved_and_loaded_it_is_the_same(denoiser, tmp_path):
    denoiser.save(tmp_path / "d.safetensors")
    loaded = ContinuousDenoiser.load(tmp_path / "d.safetensors")
    assert torch.equal(loaded.fold(1.4)(X), denoiser.fold(1.4)(X))
