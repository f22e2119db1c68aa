import copy
import json
import math
import struct

import pytest
import torch
import torch._dynamo.testing
from gpu import captured, on_cuda

from ftn_core.data.task import DENOISING
from ftn_core.denoiser.denoiser import ContinuousDenoiser, between
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.runtime.images import restore
from ftn_core.runtime.network_file import build_network

SPECS = {
    "unshuffle_net": {"name": "unshuffle_net", "channels": 8, "depth": 2},
    "resnet": {"name": "resnet", "channels": 8, "depth": 5},
}


def make_denoiser(name="unshuffle_net", sigmas=(0.2, 0.5, 0.6), groups=1):
    """A base and levels that differ from it, with random weights and statistics."""
    torch.manual_seed(0)
    base = build_network(**SPECS[name]).eval()
    for parameter in base.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    levels = []
    for sigma in sigmas[1:]:
        transition = build_transition("ftn", base, 2.5, groups=groups)
        for parameter in transition.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
        statistics = {n: b + torch.rand_like(b) for n, b in base.named_buffers() if b.is_floating_point()}
        levels.append(AdaptedLevel(sigma, "ftn", {"groups": groups}, transition, statistics))
    return ContinuousDenoiser(DENOISING, SPECS[name], base, sigmas[0], levels)


@pytest.fixture(params=sorted(SPECS))
def denoiser(request):
    return make_denoiser(request.param)


X = torch.rand(1, 3, 20, 24)


def test_position_0_is_the_base_bit_for_bit(denoiser):
    assert torch.equal(denoiser.fold(0)(X), denoiser.base(X))


def test_a_level_is_its_own_filters_and_statistics(denoiser):
    state = denoiser.state(1)
    base = dict(denoiser.base.state_dict())
    level = denoiser.levels[0]
    expected = base | level.transition(base) | level.statistics
    for name, value in state.items():
        assert torch.equal(value, expected[name]), name


@pytest.mark.parametrize(("position", "lower"), [(0.25, 0), (0.75, 0), (1.5, 1)])
def test_between_levels_everything_is_interpolated(denoiser, position, lower):
    a, b, alpha = denoiser.state(lower), denoiser.state(lower + 1), position - lower
    for name, value in denoiser.state(position).items():
        torch.testing.assert_close(value, (1 - alpha) * a[name] + alpha * b[name])


def test_the_paper_equation_for_one_level():
    denoiser = make_denoiser(sigmas=(0.2, 0.5))
    base, ftn = denoiser.base.state_dict(), denoiser.levels[0].transition
    for name, filters in ftn(base).items():
        torch.testing.assert_close(denoiser.state(0.3)[name], 0.7 * base[name] + 0.3 * filters)


def test_folding_in_place_equals_folding_anew(denoiser):
    network = denoiser.fold(2)
    for position in (0.0, 0.7, 1.2, 0.0):
        assert denoiser.fold(position, network) is network
        assert torch.equal(network(X), denoiser.fold(position)(X))
    assert torch.equal(denoiser.fold(0)(X), denoiser.base(X))


def test_setting_the_dial_writes_where_the_weights_lie(denoiser):
    network = denoiser.fold(0)
    before = {n: (v.data_ptr(), v.stride()) for n, v in network.state_dict().items()}
    x = X.contiguous(memory_format=torch.channels_last)
    expected = denoiser.fold(1.3)(x)
    compilations = torch._dynamo.testing.CompileCounter()
    compiled = torch.compile(network, backend=compilations)
    compiled(x)
    denoiser.fold(1.3, network)
    assert {n: (v.data_ptr(), v.stride()) for n, v in network.state_dict().items()} == before
    torch.testing.assert_close(compiled(x), expected)
    assert compilations.frame_count == 1


def test_a_transition_is_computed_once_however_often_the_dial_is_set(denoiser):
    calls = []
    for level in denoiser.levels:
        level.transition.register_forward_hook(lambda *_: calls.append(1))
    network = denoiser.fold(0.5)
    for position in (0.7, 1.5, 1.9, 0.1, 2):
        denoiser.fold(position, network)
    assert len(calls) == len(denoiser.levels)


def test_folding_leaves_the_denoiser_alone(denoiser):
    before = copy.deepcopy(denoiser.base.state_dict())
    denoiser.fold(1.5)
    for name, value in denoiser.base.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("position", [-1.1, 2.1])
def test_beyond_the_dial(denoiser, position):
    with pytest.raises(ValueError, match="from -1 to 2"):
        denoiser.state(position)


def test_the_dial_is_straight_between_its_points():
    denoiser = make_denoiser()
    assert denoiser.position(0.2) == 0
    assert denoiser.position(0.35) == pytest.approx(0.5)
    assert denoiser.position(0.55) == pytest.approx(1.5)
    assert denoiser.position(0.05) == pytest.approx(-0.75)
    assert denoiser.position(2) == 2
    denoiser.dial = [(0.2, 0.0), (0.3, 0.6), (0.5, 1.0), (0.6, 2.0)]
    assert denoiser.position(0.25) == pytest.approx(0.3)
    for level in (0.2, 0.25, 0.4, 0.6):
        assert denoiser.level_at(denoiser.position(level)) == pytest.approx(level)
    weaker = make_denoiser(sigmas=(0.6, 0.5, 0.2))
    assert weaker.position(0.3) == pytest.approx(-1 - 2 / 3)
    assert weaker.level_at(-1.5) == pytest.approx(0.35)


def test_saved_and_loaded_it_is_the_same(denoiser, tmp_path):
    denoiser.dial.insert(1, (0.3, 0.4))
    denoiser.save(tmp_path / "d.safetensors")
    loaded = ContinuousDenoiser.load(tmp_path / "d.safetensors")
    assert loaded.dial == denoiser.dial
    assert loaded.trained == denoiser.trained
    for position in (0, 0.4, 1, 1.9):
        assert torch.equal(loaded.fold(position)(X), denoiser.fold(position)(X))


def test_the_same_denoiser_gives_the_same_bytes(denoiser, tmp_path):
    for name in ("a", "b"):
        denoiser.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_header_can_be_read_without_us(denoiser, tmp_path):
    denoiser.save(tmp_path / "d.safetensors")
    raw = (tmp_path / "d.safetensors").read_bytes()
    header = json.loads(raw[8 : 8 + struct.unpack("<Q", raw[:8])[0]])
    described = json.loads(header["__metadata__"]["ftn"])
    assert described["network"] == denoiser.spec
    assert [level["value"] for level in described["levels"]] == [0.5, 0.6]


def test_between_goes_both_ways():
    assert between(20, 40, 10) and between(20, 10, 40) and between(10, 40, 10)
    assert not between(50, 40, 10) and not between(math.nan, 0, 1)


@on_cuda
def test_the_dial_can_be_set_under_a_captured_graph():
    denoiser = make_denoiser().to(torch.device("cuda"))
    network = denoiser.fold(0)
    x = torch.rand(1, 3, 32, 32, device="cuda")
    with torch.inference_mode():
        graph, output = captured(network, x)
        for position in (0.3, 1.0, 1.7):
            denoiser.fold(position, network)
            graph.replay()
            torch.testing.assert_close(output.clamp(0, 1), restore(denoiser.fold(position), x))
