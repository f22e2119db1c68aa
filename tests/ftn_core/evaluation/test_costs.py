import pytest
import torch
from torch import nn

from ftn_core.data.task import DENOISING
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.evaluation.costs import SIDE, cost_of_denoiser, cost_of_network
from ftn_core.runtime.network_file import build_network

CPU = torch.device("cpu")


def test_a_convolution_by_hand():
    network = nn.Conv2d(3, 5, 3, padding=1)
    cost = cost_of_network(network, network, CPU, rounds=3)
    assert cost.parameters == 3 * 5 * 9 + 5
    assert cost.multiply_adds == 3 * 5 * 9 * SIDE * SIDE
    assert cost.time > 0 and cost.time_spread >= 0


def denoiser(method, **options):
    spec = {"name": "unshuffle_net", "channels": 8, "depth": 1}
    base = build_network(**spec).eval().requires_grad_(False)
    levels = [
        AdaptedLevel(s, method, options, build_transition(method, base, s / 0.2, **options).requires_grad_(False), {})
        for s in (0.3, 0.5)
    ]
    return ContinuousDenoiser(DENOISING, spec, base, 0.2, levels)


@pytest.mark.parametrize(
    ("method", "options", "same_network"),
    [
        ("ftn", {"groups": 1}, True),
        ("adafm", {"kernel": 1}, True),
        ("adafm", {"kernel": 3}, False),
        ("dni", {}, True),
        ("scale_mix", {"mixes": 1, "groups": 1}, True),
        ("cfsnet", {}, False),
        ("dynamic_net", {"after": [1.0], "width": 1.0}, False),
    ],
)
def test_what_a_level_adds(method, options, same_network):
    of = denoiser(method, **options)
    base = cost_of_network(of.base, of.base, CPU, rounds=2)
    cost = cost_of_denoiser(of, CPU, rounds=2)
    learned = sum(p.numel() for p in of.levels[0].transition.parameters())
    assert cost.extra_parameters == pytest.approx(learned / base.parameters)
    assert (cost.multiply_adds == base.multiply_adds) == same_network
    assert (cost.parameters == base.parameters) == same_network


def test_an_ftns_level_by_hand():
    cost = cost_of_denoiser(denoiser("ftn", groups=1), CPU, rounds=2)
    banks = [(8, 12), (8, 8), (8, 8), (12, 8)]  # outputs and inputs of head, body and tail
    assert cost.level_multiply_adds == sum(2 * outputs * 9 * inputs**2 for outputs, inputs in banks)


def test_the_papers_base():
    # 25.11 GFLOPs in the FTN paper's first version; ours counts at 256 x 256
    base = build_network("adafm_net", 64, 16).eval()
    cost = cost_of_network(base, base, CPU, rounds=2)
    assert cost.parameters == 1_406_787
    convolutions = 64 * 3 * 9 * 128**2 + 33 * 64 * 64 * 9 * 128**2 + 64 * 256 * 9 * 128**2
    assert cost.multiply_adds == convolutions + (64 * 64 + 64 * 3) * 9 * 256**2
