from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ftn_core.parameters.network import Network
from ftn_core.runtime.network_file import build_network

NETWORKS = sorted(get_args(Network.model_fields["name"].annotation))
SIZES = {
    "unshuffle_net": (8, 2),
    "resnet": (8, 5),
    "adafm_net": (16, 2),
    "dncnn": (8, 5),
    "ffdnet": (8, 4),
    "transform_net": (12, 2),
}
RESTORING = sorted({*NETWORKS} - {"ffdnet", "transform_net"})


@pytest.fixture(params=NETWORKS)
def network(request):
    torch.manual_seed(0)
    return build_network(request.param, *SIZES[request.param])


@settings(deadline=None, max_examples=20)
@given(name=st.sampled_from(NETWORKS), height=st.integers(4, 33), width=st.integers(4, 33))
def test_any_height_and_width(name, height, width):
    x = torch.rand(2, 3, height, width)
    assert build_network(name, *SIZES[name]).eval()(x).shape == x.shape


def test_a_fourth_channel_is_read_and_not_denoised(network, request):
    name = request.node.callspec.params["network"]
    conditioned = build_network(name, *SIZES[name], 4)
    x = torch.rand(2, 4, 15, 18)
    assert conditioned(x).shape == (2, 3, 15, 18)
    before = {n: p.shape for n, p in network.named_parameters()}
    after = {n: p.shape for n, p in conditioned.named_parameters()}
    assert [n for n in before if before[n] != after[n]] in (["head.weight"], ["head.0.weight"])


def test_every_parameter_learns(network):
    # some start at zero, so that those before them have no gradient in the very first step
    optimizer = torch.optim.SGD(network.parameters(), 0.01)
    for _ in range(3):
        optimizer.zero_grad()
        network(torch.rand(2, 3, 16, 16)).square().mean().backward()
        optimizer.step()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("network", RESTORING, indirect=True)
def test_odd_sizes_keep_the_inside_of_even_ones(network):
    network.eval()
    x = torch.rand(1, 3, 128, 128)
    whole, cut = network(x), network(x[..., :127, :127])
    torch.testing.assert_close(whole[..., :32, :32], cut[..., :32, :32])


@pytest.mark.parametrize("network", RESTORING, indirect=True)
def test_each_starts_by_leaving_the_image_as_it_is(network):
    x = torch.rand(1, 3, 15, 18)
    torch.testing.assert_close(network.eval()(x), x, atol=1e-6, rtol=0)


def test_parameter_counts():
    def count(name, channels, depth):
        return sum(p.numel() for p in build_network(name, channels, depth).parameters())

    assert count("adafm_net", 64, 16) == 1_406_787  # 1.41 M in arXiv 1904.08118 and 2003.05145
    assert count("unshuffle_net", 48, 6) == 259_836
    # the paper's DnCNN-S for three colours: 17 convolutions, of which 15 have norms and no bias
    assert count("dncnn", 64, 17) == (3 * 64 * 9 + 64) + 15 * (64 * 64 * 9 + 128) + (64 * 3 * 9 + 3)
    # head, 5 convolutions without bias and their norms, tail
    # the supplement of arXiv 1603.08155, table 1; a norm has two numbers a channel where the paper has a bias
    body = 10 * (128 * 128 * 9 + 2 * 128)
    ends = 2 * (64 * 128 * 9 + 32 * 64 * 9 + 2 * 64 + 2 * 32) + 2 * (3 * 32 * 81) + 2 * 128 + 3
    assert count("transform_net", 128, 5) == body + ends
    assert count("resnet", 16, 7) == (3 * 16 * 9 + 16) + 5 * (16 * 16 * 9 + 32) + (16 * 3 * 9 + 3)


def test_batch_norm_only_where_the_papers_have_it():
    for name, size in SIZES.items():
        norms = [m for m in build_network(name, *size).modules() if isinstance(m, torch.nn.BatchNorm2d)]
        assert len(norms) == (3 if name in ("resnet", "dncnn") else 0)
