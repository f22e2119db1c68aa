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


@pytest.mark.parametrize("groups", [1, 4])
def test_starts_as_the_identity_in_channels_last_too(base, groups):
    state = dict(base.to(memory_format=torch.channels_last).named_parameters())
    for name, value in build_transition("ftn", base, 2.5, groups=groups)(state).items():
        assert torch.equal(value, state[name])
        assert value.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("outputs", "asked", "used"), [(12, 16, 12), (12, 8, 6), (48, 16, 16), (7, 4, 1), (3, 1, 1)])
def test_groups_that_do_not_divide_the_channels(outputs, asked, used):
    transition = FilterTransitions(2, outputs, asked)
    assert transition.groups == used
    filters = torch.randn(2, outputs, 5, 3, 3)
    assert torch.equal(transition(filters), filters)


@pytest.mark.parametrize("groups", [1, 4, 16])
def test_parameter_count_of_one_convolution(groups):
    # two grouped 1x1 convolutions over Cout with biases, and one slope
    assert sum(p.numel() for p in FilterTransitions(1, 64, groups).parameters()) == 2 * (64 * 64 // groups + 64) + 1


@pytest.mark.parametrize(("groups", "count"), [(1, 1_829_632), (4, 1_516_276), (16, 1_437_940)])
def test_parameter_count_of_the_papers_network_with_one_level(groups, count):
    # printed: 1.83 M with 1 group, 1.44 M with 16 (arXiv 2003.05145, table 3)
    base = build_network("adafm_net", 64, 16)
    assert sum(p.numel() for network in (base, Ftn(base, 4, groups=groups)) for p in network.parameters()) == count


@pytest.mark.parametrize("groups", [1, 4])
def test_is_what_the_paper_says_two_grouped_convolutions_over_output_channels_and_a_prelu(groups):
    torch.manual_seed(1)
    ours = FilterTransitions(3, 8, groups)
    for parameter in ours.parameters():
        nn.init.normal_(parameter)
    filters = torch.randn(3, 8, 5, 3, 3)
    mapped = ours(filters)
    first, second = convs = [nn.Conv2d(8, 8, 1, groups=groups) for _ in range(2)]
    prelu = nn.PReLU()
    for i in range(3):
        with torch.no_grad():
            for conv, weight, bias in zip(convs, ours.weights, ours.biases, strict=True):
                conv.weight.copy_(weight.view(3, *conv.weight.shape)[i])
                conv.bias.copy_(bias.view(3, 8)[i])
            prelu.weight.copy_(ours.slope[i])
        image = filters[i].flatten(2)  # the filters are its channels, their Cin x 9 values its pixels
        torch.testing.assert_close(mapped[i].flatten(2), second(prelu(first(image))))


def test_gradients():
    transition = FilterTransitions(2, 4, 2).double()
    filters = torch.randn(2, 4, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(transition, (filters,))


def test_filters_stay_in_full_precision_under_autocast(base):
    transition = build_transition("ftn", base, 2.5, groups=1)
    state = dict(base.named_parameters())
    with torch.autocast("cpu", torch.bfloat16):
        adapted = transition(state)
    assert all(torch.equal(value, state[name]) for name, value in adapted.items())


def test_biases_of_the_levels_own_start_as_the_bases_and_learn(base):
    transition = build_transition("ftn", base, 2.5, groups=1, biases=True)
    state = dict(base.named_parameters())
    adapted = transition(state)
    assert set(adapted) == set(state)
    assert all(torch.equal(value, state[name]) for name, value in adapted.items())
    assert all(adapted[name].requires_grad for name in adapted)
