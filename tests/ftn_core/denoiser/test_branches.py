"""CFSNet and Dynamic-Net: the base with branches, worked out by hand, and the dial between."""

import copy

import pytest
import torch
import torch._dynamo.testing
from gpu import captured, on_cuda
from torch import nn
from torch.func import functional_call

from ftn_core.data.task import DENOISING
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.runtime.images import restore
from ftn_core.runtime.network_file import build_network
from ftn_core.training.adapted import AdaptedNetwork

X = torch.rand(2, 3, 20, 24, generator=torch.Generator().manual_seed(0))
SPECS = {
    name: {"name": name, "channels": 8, "depth": depth}
    for name, depth in {"unshuffle_net": 3, "adafm_net": 2, "resnet": 5, "dncnn": 5}.items()
}
OPTIONS = {"cfsnet": {}, "dynamic_net": {"after": [0.33, 0.67, 1.0], "width": 0.5}}


@pytest.fixture(params=sorted(SPECS))
def spec(request):
    return SPECS[request.param]


@pytest.fixture(params=sorted(OPTIONS))
def method(request):
    return request.param


def make_base(spec):
    torch.manual_seed(0)
    base = build_network(**spec).eval().requires_grad_(False)
    for parameter in base.parameters():
        nn.init.normal_(parameter, std=0.15)
    return base


def make_denoiser(spec, method, sigmas=(0.5,)):
    """Levels whose branches and couplings are random, with statistics of their own."""
    base = make_base(spec)
    levels = []
    for sigma in sigmas:
        transition = build_transition(method, base, sigma / 0.2, **OPTIONS[method])
        for parameter in transition.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)
        levels.append(AdaptedLevel(sigma, method, OPTIONS[method], transition.requires_grad_(False), {}))
    return ContinuousDenoiser(DENOISING, spec, base, 0.2, levels)


def by_hand(denoiser, alpha):
    """The paper's equation at each block of the body: hooks on a copy of the base, one after the other."""
    network = copy.deepcopy(denoiser.base)
    level = denoiser.levels[0]
    branches = dict(zip(level.transition._places, level.transition.branches, strict=True))
    if level.method == "cfsnet":
        shared = torch.ones(512) * alpha
        for weight in level.transition.control:
            shared = weight @ shared
        own = zip(level.transition._places, level.transition.own, level.transition.last, strict=True)
        coefficients = {place: (last @ (first @ shared))[:, None, None] for place, first, last in own}

    def couple(place):
        def hook(_block, inputs, output):
            if level.method == "cfsnet":
                a = coefficients[place]
                return (1 - a) * output + a * branches[place](inputs[0])
            return output + alpha * branches[place](output)

        return hook

    for place in branches:
        network.get_submodule(place).register_forward_hook(couple(place))
    return network


def test_starts_as_the_base_bit_for_bit(spec, method):
    base = make_base(spec)
    transition = build_transition(method, base, 2.5, **OPTIONS[method])
    network = transition.extend(copy.deepcopy(base))
    assert torch.equal(network(X), base(X))
    assert torch.equal(functional_call(network, transition(dict(network.named_parameters())), (X,)), base(X))


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_the_dial_interpolates_features_as_the_paper_says(spec, method, alpha):
    denoiser = make_denoiser(spec, method)
    output = denoiser.fold(alpha)(X)
    torch.testing.assert_close(output, by_hand(denoiser, alpha)(X), atol=1e-5, rtol=1e-4)
    assert torch.equal(output, denoiser.base(X)) == (alpha == 0)


def test_the_dial_is_monotone_in_the_features_of_the_body(spec, method):
    denoiser = make_denoiser(spec, method)
    block = denoiser.levels[0].transition._places[0]
    seen = []
    for alpha in (0.0, 0.25, 0.5, 0.75, 1.0):
        network = denoiser.fold(alpha)
        network.get_submodule(block).register_forward_hook(lambda _block, _inputs, output: seen.append(output))
        network(X)
    steps = torch.stack(seen).diff(dim=0)
    # of the first block, whose input does not depend on the dial, features move along a straight line
    torch.testing.assert_close(steps, steps[:1].expand_as(steps), atol=1e-5, rtol=1e-3)
    assert steps.abs().max() > 1e-3


def test_the_dial_sets_nothing_but_couplings(method):
    denoiser = make_denoiser(SPECS["unshuffle_net"], method)
    base, level = denoiser.state(0), denoiser.state(1)
    assert {n for n in base if not torch.equal(base[n], level[n])} == {n for n in base if n.endswith(".coupling")}


def test_a_second_level_is_exact_and_leaves_the_first_alone(spec, method):
    both = make_denoiser(spec, method, (0.5, 0.6))
    for i, level in enumerate(both.levels, 1):
        alone = ContinuousDenoiser(DENOISING, spec, both.base, 0.2, [level])
        torch.testing.assert_close(both.fold(i)(X), alone.fold(1)(X), atol=1e-6, rtol=1e-5)
        assert torch.equal(both.fold(0.4)(X), alone.fold(0.4)(X)) == (i == 1)


def test_saved_and_loaded_it_is_the_same(spec, method, tmp_path):
    denoiser = make_denoiser(spec, method, (0.5, 0.6))
    denoiser.save(tmp_path / "d.safetensors")
    loaded = ContinuousDenoiser.load(tmp_path / "d.safetensors")
    network = loaded.fold(0)
    assert torch.equal(network(X), denoiser.base(X))
    for position in (0.4, 1.0, 1.7):
        assert torch.equal(loaded.fold(position, network)(X), denoiser.fold(position)(X))


def test_finetuning_lowers_the_loss_and_leaves_the_base(spec, method):
    base = make_base(spec)
    network = AdaptedNetwork(base, build_transition(method, base, 2.5, **OPTIONS[method]), (0.2, 0.5))
    before = copy.deepcopy(network.base.state_dict())
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=2e-3)
    target = X.flip(3)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        loss = (network(X) - target).abs().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert min(losses) < 0.97 * losses[0]
    assert all(torch.equal(value, before[name]) for name, value in network.base.named_parameters())
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in network.transition.parameters())


def test_between_the_levels_continuous_supervision_trains_what_the_dial_gives(spec, method):
    denoiser = make_denoiser(spec, method)
    fresh = build_transition(method, denoiser.base, 2.5, **OPTIONS[method])
    network = AdaptedNetwork(denoiser.base, fresh, (0.2, 0.5)).eval()
    # trained since the base was extended
    fresh.load_state_dict(denoiser.levels[0].transition.state_dict())
    sigma = torch.full((len(X), 1, 1, 1), 0.2 + 0.4 * 0.3)
    torch.testing.assert_close(network(X, sigma), denoiser.fold(0.4)(X), atol=1e-5, rtol=1e-4)


def test_gradients_are_those_of_finite_differences(method):
    spec = {"name": "unshuffle_net", "channels": 4, "depth": 1}
    denoiser = make_denoiser(spec, method)
    network = denoiser.levels[0].transition.extend(copy.deepcopy(denoiser.base)).double()
    names = [name for name, _ in network.named_parameters() if "branch" in name or "coupling" in name]
    values = [value.double().requires_grad_() for name, value in denoiser.state(1).items() if name in names]
    x = X[:1, :, :6, :6].double()

    def output(*given):
        return functional_call(network, dict(zip(names, given, strict=True)), (x,)).mean((1, 2, 3))

    torch.autograd.gradcheck(output, values)


def test_setting_the_dial_writes_where_the_weights_lie(method):
    denoiser = make_denoiser(SPECS["unshuffle_net"], method)
    network = denoiser.fold(0)
    before = {n: (v.data_ptr(), v.stride()) for n, v in network.state_dict().items()}
    compilations = torch._dynamo.testing.CompileCounter()
    compiled = torch.compile(network, backend=compilations)
    x = X.contiguous(memory_format=torch.channels_last)
    for position in (0.0, 0.3, 1.0):
        denoiser.fold(position, network)
        torch.testing.assert_close(compiled(x), denoiser.fold(position)(x))
    assert {n: (v.data_ptr(), v.stride()) for n, v in network.state_dict().items()} == before
    assert compilations.frame_count == 1
    assert network(x).is_contiguous(memory_format=torch.channels_last)


@on_cuda
def test_the_dial_can_be_set_under_a_captured_graph(method):
    denoiser = make_denoiser(SPECS["unshuffle_net"], method).to(torch.device("cuda"))
    network = denoiser.fold(0)
    x = torch.rand(1, 3, 32, 32, device="cuda")
    with torch.inference_mode():
        graph, output = captured(network, x)
        for position in (0.3, 1.0):
            denoiser.fold(position, network)
            graph.replay()
            torch.testing.assert_close(output.clamp(0, 1), restore(denoiser.fold(position), x))


def test_shapes_and_places(spec):
    base = make_base(spec)
    count = {"unshuffle_net": 3, "adafm_net": 3, "resnet": 3, "dncnn": 3}[spec["name"]]
    cfsnet = build_transition("cfsnet", base, 2.5)
    assert len(cfsnet.branches) == count and cfsnet.couplings().shape == (count, 8)
    assert [p.shape for p in cfsnet.branches[0].parameters()] == [(8, 8, 3, 3)] * 2
    dynamic = build_transition("dynamic_net", base, 2.5, after=[0.01, 1.0], width=2.0)
    assert dynamic._places == [cfsnet._places[0], cfsnet._places[-1]]
    assert [p.shape for p in dynamic.branches[0].parameters() if p.ndim == 4] == [
        (16, 8, 3, 3), (16, 16, 3, 3), (8, 16, 3, 3),
    ]  # fmt: skip
