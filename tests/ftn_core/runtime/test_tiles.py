from typing import get_args

import pytest
import torch

from ftn_core.denoiser.transition import build_transition
from ftn_core.parameters.network import Network
from ftn_core.runtime.images import restore
from ftn_core.runtime.network_file import build_network
from ftn_core.runtime.tiles import spans, tiled

NETWORKS = get_args(Network.model_fields["name"].annotation)


@pytest.fixture(params=sorted({*NETWORKS} - {"transform_net"}))  # whose radius is the whole image
def network(request):
    """A network of random weights, so that everything it can see matters."""
    torch.manual_seed(0)
    network = build_network(request.param, 8, 3).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    return network


EXTENDED = {"cfsnet": {}, "dynamic_net": {"after": [0.5, 1.0], "width": 1.0}, "adafm": {"kernel": 5}}


@pytest.mark.parametrize("method", [None, *EXTENDED])
@pytest.mark.parametrize("pixel", [(80, 80), (81, 81), (80, 81)])
def test_a_network_sees_as_far_as_its_radius_and_no_farther(network, method, pixel):
    if method:
        network = build_transition(method, network, 2.5, **EXTENDED[method]).extend(network)
        for parameter in network.parameters():
            torch.nn.init.constant_(parameter, 0.1)
    x = torch.rand(1, 3, 160, 160, dtype=torch.float64, requires_grad=True)
    # without rectifiers, none of which could hide a path by chance
    network.double().train(False)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.weight.data.abs_()
    y, column = pixel
    network(x)[0, :, y, column].sum().backward()
    seen = x.grad.abs().sum((0, 1)).nonzero()
    distance = max(int((seen - torch.tensor(pixel)).abs().max()), 0)
    assert distance <= network.radius
    assert distance >= network.radius - 1  # pixels of one parity see a pixel less far than the others


@pytest.mark.parametrize("radius", [0, 1, 7, 28])
@pytest.mark.parametrize("length", [1, 2, 63, 64, 65, 200, 201, 333])
def test_spans_keep_every_pixel_once_and_a_margin_around_it(length, radius):
    found = spans(length, radius, 64)
    kept = [pixel for span in found for pixel in range(span.keep_from, span.keep_to)]
    assert kept == list(range(length))
    assert len({span.stop - span.start for span in found[:-1]}) <= 1
    for span in found:
        assert span.start % 2 == 0
        assert 0 <= span.start <= span.keep_from < span.keep_to <= span.stop <= length
        assert span.stop - span.start <= max(64, 4 * radius)
        assert span.start == 0 or span.keep_from - span.start >= radius
        assert span.stop == length or span.stop - span.keep_to >= radius


@pytest.mark.parametrize("at_once", [1, 3])
@pytest.mark.parametrize("shape", [(1, 3, 150, 131), (2, 3, 97, 40), (3, 3, 30, 30), (1, 3, 21, 300)])
def test_tiles_equal_the_whole(network, shape, at_once):
    x = torch.rand(shape)
    with torch.inference_mode():
        whole = network(x)
        assert (
            tiled(network, x, network.radius, window=64, at_once=at_once) - whole
        ).abs().max() < 1e-5 * whole.abs().max()


def test_too_small_a_margin_would_be_seen(network):
    x = torch.rand(1, 3, 150, 131)
    with torch.inference_mode():
        assert (tiled(network, x, 2, window=64) - network(x)).abs().max() > 1e-3


def test_windows_go_through_the_network_together():
    sizes = []

    def remember(x):
        sizes.append(x.shape)
        return x

    x = torch.rand(1, 3, 100, 100)
    assert torch.equal(tiled(remember, x, 4, window=32, at_once=4), x)
    assert max(shape[0] for shape in sizes) >= 4
    assert all(shape.numel() <= 3 * 4 * 32 * 32 for shape in sizes)


def test_restore_leaves_its_input_alone_and_clips(network):
    x = torch.randn(1, 3, 20, 20)
    for module in (network, torch.nn.Identity()):
        before = x.clone()
        restored = restore(module, x)
        assert torch.equal(x, before)
        assert 0 <= restored.min() <= restored.max() <= 1
