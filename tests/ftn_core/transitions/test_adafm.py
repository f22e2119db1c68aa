import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call

from ftn_core.data.task import DENOISING
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.runtime.network_file import build_network
from ftn_core.transitions.adafm import filtered

X = torch.rand(2, 3, 20, 24)
SPEC = {"name": "unshuffle_net", "channels": 8, "depth": 2}


@pytest.fixture
def base():
    torch.manual_seed(0)
    base = build_network(**SPEC).eval().requires_grad_(False)
    nn.init.normal_(base.tail.weight, std=0.1)
    return base


def trained(base, kernel):
    """An AdaFM with filters and biases that differ from the identity."""
    transition = build_transition("adafm", base, 2.5, kernel=kernel)
    for parameter in transition.parameters():
        nn.init.normal_(parameter, std=0.2)
    return transition.requires_grad_(False)


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
def test_starts_as_the_identity_bit_for_bit(base, kernel):
    transition = build_transition("adafm", base, 2.5, kernel=kernel)
    network = transition.extend(copy.deepcopy(base))
    state = transition(dict(network.named_parameters()))
    assert torch.equal(network(X), base(X))
    assert torch.equal(functional_call(network, state, (X,)), base(X))


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
def test_is_what_the_paper_says_a_depthwise_filter_with_a_skip_scaled_by_the_dial(base, kernel, alpha):
    transition = trained(base, kernel)
    filters = dict(zip(transition._names, transition.filters, strict=True))
    biases = dict(zip(transition._names, transition.biases, strict=True))
    network = copy.deepcopy(base)

    def adapt(g, b):
        def hook(_module, _inputs, x):
            g_ = g.view(-1, 1, kernel, kernel)
            return x + alpha * nn.functional.conv2d(x, g_, b, padding=kernel // 2, groups=len(g))

        return hook

    for name in filters:
        assert name.startswith("body.")
        network.get_submodule(name).register_forward_hook(adapt(filters[name], biases[name]))
    denoiser = ContinuousDenoiser(
        DENOISING, SPEC, base, 0.2, [AdaptedLevel(0.5, "adafm", {"kernel": kernel}, transition, {})]
    )
    torch.testing.assert_close(denoiser.fold(alpha)(X), network(X), atol=1e-5, rtol=0)


def test_one_number_a_channel_folds_into_the_bases_own_shape(base):
    denoiser = ContinuousDenoiser(
        DENOISING, SPEC, base, 0.2, [AdaptedLevel(0.5, "adafm", {"kernel": 1}, trained(base, 1), {})]
    )
    assert {n: p.shape for n, p in denoiser.fold(0.4).named_parameters()} == {
        n: p.shape for n, p in base.named_parameters()
    }


def test_a_larger_one_stays_a_layer_that_saves_loads_and_follows_the_dial(base, tmp_path):
    denoiser = ContinuousDenoiser(
        DENOISING, SPEC, base, 0.2, [AdaptedLevel(0.5, "adafm", {"kernel": 3}, trained(base, 3), {})]
    )
    denoiser.save(tmp_path / "d.safetensors")
    loaded = ContinuousDenoiser.load(tmp_path / "d.safetensors")
    network = loaded.fold(0)
    assert torch.equal(network(X), base(X))
    for alpha in (0.4, 1.0):
        torch.testing.assert_close(loaded.fold(alpha, network)(X), denoiser.fold(alpha)(X))
    assert not torch.allclose(network(X), base(X), atol=1e-3)


def test_extending_twice_is_extending_once(base):
    once = filtered(copy.deepcopy(base), 3)
    names = [name for name, _ in once.named_modules()]
    assert [name for name, _ in filtered(once, 3).named_modules()] == names


@pytest.mark.parametrize("kernel", [1, 3])
def test_convolutions_without_bias_get_none(kernel):
    resnet = build_network("resnet", 8, 5).eval()
    transition = build_transition("adafm", resnet, 2.5, kernel=kernel)
    network = transition.extend(copy.deepcopy(resnet))
    assert len(transition.biases) == 0
    torch.testing.assert_close(functional_call(network, transition(dict(network.named_parameters())), (X,)), resnet(X))


def test_parameter_count_at_the_papers_scale():
    # 33 convolutions of the body; the paper says 1.41 M and 1.46 M, + 3.58 % (FTN paper, first version)
    base = build_network("adafm_net", 64, 16)
    transition = build_transition("adafm", base, 2.5, kernel=5)
    assert sum(p.numel() for p in transition.parameters()) == 33 * (64 * 25 + 64)
    assert sum(p.numel() for p in base.parameters()) == 1_406_787
