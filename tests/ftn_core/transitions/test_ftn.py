import pytest
import torch
from torch import nn

from ftn_core.networks import build_network
from ftn_core.transitions import build_transition
from ftn_core.transitions.ftn import FilterTransitions, Ftn


@pytest.fixture
def base():
    torch.manual_seed(0)
    return build_network("unshuffle_net", 16, 2)


@pytest.mark.parametrize("groups", [1, 2, 4, 16])
def test_starts_as_the_identity_bit_for_bit(base, groups):
    state = dict(base.named_parameters())
    adapted = build_transition("ftn", base, groups=groups)(state)
    assert adapted
    for name, value in adapted.items():
        assert torch.equal(value, state[name])


def test_every_convolution_is_transitioned(base):
    convolutions = [f"{name}.weight" for name, m in base.named_modules() if isinstance(m, nn.Conv2d)]
    assert list(build_transition("ftn", base, groups=1)(dict(base.named_parameters()))) == convolutions


@pytest.mark.parametrize(("inputs", "asked", "used"), [(12, 16, 12), (12, 8, 6), (48, 16, 16), (7, 4, 1), (3, 1, 1)])
def test_groups_that_do_not_divide_the_channels(inputs, asked, used):
    transition = FilterTransitions(2, inputs, asked)
    assert transition.groups == used
    filters = torch.randn(2, 5, inputs, 3, 3)
    assert torch.equal(transition(filters), filters)


@pytest.mark.parametrize("groups", [1, 4, 16])
def test_parameter_count_of_one_convolution(groups):
    # two grouped 1x1 convolutions over Cin with biases, one slope a channel
    assert sum(p.numel() for p in FilterTransitions(1, 64, groups).parameters()) == 2 * (64 * 64 // groups + 64) + 64


@pytest.mark.parametrize(("groups", "share"), [(1, 0.239), (16, 0.022)])
def test_parameter_count_beside_the_base(groups, share):
    # the design's figures for unshuffle_net of 48 channels and 6 blocks
    base = build_network("unshuffle_net", 48, 6)
    count = sum(p.numel() for p in Ftn(base, groups).parameters())
    assert count / 259_836 == pytest.approx(share, abs=0.0006)


@pytest.mark.parametrize("groups", [1, 4])
def test_is_what_the_paper_says_grouped_convolutions_and_a_prelu(groups):
    torch.manual_seed(1)
    ours = FilterTransitions(3, 8, groups)
    for parameter in ours.parameters():
        nn.init.normal_(parameter)
    filters = torch.randn(3, 5, 8, 3, 3)
    mapped = ours(filters)
    first, prelu, second = nn.Conv2d(8, 8, 1, groups=groups), nn.PReLU(8), nn.Conv2d(8, 8, 1, groups=groups)
    for i in range(3):
        with torch.no_grad():
            first.weight.copy_(ours.weight1.view(3, 8, -1, 1, 1)[i])
            first.bias.copy_(ours.bias1[i, 0])
            prelu.weight.copy_(ours.slope[i, 0])
            second.weight.copy_(ours.weight2.view(3, 8, -1, 1, 1)[i])
            second.bias.copy_(ours.bias2[i, 0])
        torch.testing.assert_close(mapped[i], second(prelu(first(filters[i]))))


def test_gradients():
    transition = FilterTransitions(2, 4, 2).double()
    filters = torch.randn(2, 3, 4, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(transition, (filters,))


def test_filters_stay_in_full_precision_under_autocast(base):
    transition = build_transition("ftn", base, groups=1)
    state = dict(base.named_parameters())
    with torch.autocast("cpu", torch.bfloat16):
        adapted = transition(state)
    assert all(torch.equal(value, state[name]) for name, value in adapted.items())
