import pytest
import torch
from torch import nn

from ftn_core.denoiser.transition import build_transition
from ftn_core.runtime.network_file import build_network
from ftn_core.transitions.ftn import FilterTransitions, Ftn


@pytest.fixture
def base():
    torch.manual_seed(0)
    return build_network("unshuffle_net", 16, 2)


@pytest.mark.parametrize("groups", [1, 2, 4, 16])
def test_starts_as_the_identity_bit_for_bit(base, groups):
    state = dict(base.named_parameters())
    adapted = build_transition("ftn", base, 2.5, groups=groups)(state)
    assert adapted
    for name, value in adapted.items():
        assert torch.equal(value, state[name])


def test_every_convolution_is_transitioned(base):
    convolutions = [f"{name}.weight" for name, m in base.named_modules() if isinstance(m, nn.Conv2d)]
    assert list(build_transition("ftn", base, 2.5, groups=1)(dict(base.named_parameters()))) == convolutions


@pytest.mark.parametrize(("inputs", "asked", "used"), [(12, 16, 12), (12, 8, 6), (48, 16, 16), (7, 4, 1), (3, 1, 1)])
def test_groups_that_do_not_divide_the_channels(inputs, asked, used):
    transition = FilterTransitions(2, inputs, asked, 2)
    assert transition.groups == used
    filters = torch.randn(2, 5, inputs, 3, 3)
    assert torch.equal(transition(filters), filters)


@pytest.mark.parametrize("groups", [1, 4, 16])
def test_parameter_count_of_one_convolution(groups):
    # two grouped 1x1 convolutions over Cin with biases, one slope a channel
    assert sum(p.numel() for p in FilterTransitions(1, 64, groups, 2).parameters()) == 2 * (64 * 64 // groups + 64) + 64


@pytest.mark.parametrize(("groups", "share"), [(1, 0.239), (16, 0.022)])
def test_parameter_count_beside_the_base(groups, share):
    # the design's figures for unshuffle_net of 48 channels and 6 blocks
    base = build_network("unshuffle_net", 48, 6)
    count = sum(p.numel() for p in Ftn(base, 4, groups=groups).parameters())
    assert count / 259_836 == pytest.approx(share, abs=0.0006)


@pytest.mark.parametrize("layers", [2, 3])
@pytest.mark.parametrize("groups", [1, 4])
def test_is_what_the_paper_says_grouped_convolutions_with_prelus_between(groups, layers):
    torch.manual_seed(1)
    ours = FilterTransitions(3, 8, groups, layers)
    for parameter in ours.parameters():
        nn.init.normal_(parameter)
    filters = torch.randn(3, 5, 8, 3, 3)
    mapped = ours(filters)
    convs = [nn.Conv2d(8, 8, 1, groups=groups) for _ in range(layers)]
    prelus = [nn.PReLU(8) for _ in range(layers - 1)]
    for i in range(3):
        with torch.no_grad():
            for conv, weight, bias in zip(convs, ours.weights, ours.biases, strict=True):
                conv.weight.copy_(weight.view(3, 8, -1, 1, 1)[i])
                conv.bias.copy_(bias[i, 0])
            for prelu, slope in zip(prelus, ours.slopes, strict=True):
                prelu.weight.copy_(slope[i, 0])
        expected = convs[0](filters[i])
        for prelu, conv in zip(prelus, convs[1:], strict=True):
            expected = conv(prelu(expected))
        torch.testing.assert_close(mapped[i], expected)


def test_gradients():
    transition = FilterTransitions(2, 4, 2, 3).double()
    filters = torch.randn(2, 3, 4, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(transition, (filters,))


def test_filters_stay_in_full_precision_under_autocast(base):
    transition = build_transition("ftn", base, 2.5, groups=1)
    state = dict(base.named_parameters())
    with torch.autocast("cpu", torch.bfloat16):
        adapted = transition(state)
    assert all(torch.equal(value, state[name]) for name, value in adapted.items())


def test_the_bodys_convolutions_alone(base):
    adapted = build_transition("ftn", base, 2.5, groups=1, where="body")(dict(base.named_parameters()))
    assert set(adapted) == {f"body.{i}.conv{j}.weight" for i in (0, 1) for j in (1, 2)}


def test_biases_of_the_levels_own_start_as_the_bases_and_learn(base):
    transition = build_transition("ftn", base, 2.5, groups=1, biases=True)
    state = dict(base.named_parameters())
    adapted = transition(state)
    assert set(adapted) == set(state)
    assert all(torch.equal(value, state[name]) for name, value in adapted.items())
    assert all(adapted[name].requires_grad for name in adapted)
