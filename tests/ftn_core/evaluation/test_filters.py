import numpy as np
import pytest
import torch

from ftn_core.data.task import DENOISING
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.evaluation.filters import compare_filters, correlate, principal_plane
from ftn_core.runtime.network_file import build_network

SPEC = {"name": "unshuffle_net", "channels": 8, "depth": 2}


def denoiser(method, change, **options):
    torch.manual_seed(0)
    base = build_network(**SPEC).eval()
    torch.nn.init.normal_(base.tail.weight)
    levels = []
    for sigma in (0.3, 0.5):
        transition = build_transition(method, base, sigma / 0.2, **options).requires_grad_(False)
        for parameter in transition.parameters():
            parameter += change * sigma * torch.randn_like(parameter)
        levels.append(AdaptedLevel(sigma, method, options, transition, {}))
    return ContinuousDenoiser(DENOISING, SPEC, base, 0.2, levels)


def test_correlation_is_pearsons_of_each_filter():
    a, b = torch.randn(4, 3, 3, 3), torch.randn(4, 3, 3, 3)
    expected = np.mean([np.corrcoef(x.flatten(), y.flatten())[0, 1] for x, y in zip(a, b, strict=True)])
    assert correlate(a, b) == pytest.approx(expected, abs=1e-6)
    assert correlate(a, 3 * a + 1) == pytest.approx(1, abs=1e-6)
    assert correlate(a, -a) == pytest.approx(-1, abs=1e-6)


def test_the_plane_keeps_lengths_and_angles_of_moves_that_lie_in_it():
    axes = torch.linalg.qr(torch.randn(100, 2)).Q.T
    moves = torch.tensor([[3.0, 0.0], [1.0, 1.0], [2.0, -1.0]]) @ axes
    plane, explained = principal_plane(moves)
    torch.testing.assert_close(plane @ plane.T, (moves @ moves.T).double(), atol=1e-4, rtol=1e-4)
    assert sum(explained) == pytest.approx(1, abs=1e-6)
    again, _ = principal_plane(moves)
    assert torch.equal(plane, again)


def test_a_single_move_lies_on_the_first_axis():
    plane, explained = principal_plane(torch.tensor([[3.0, 4.0]]))
    torch.testing.assert_close(plane, torch.tensor([[5.0, 0.0]], dtype=torch.float64))
    assert explained == (1, 0)


def test_all_methods_beside_one_base():
    found, pictures = compare_filters(
        {
            "dni": denoiser("dni", 0.5),
            "adafm": denoiser("adafm", 0.5, kernel=3),
            "cfsnet": denoiser("cfsnet", 0.5),
            "none": denoiser("dni", 0.0),
        }
    )
    assert set(pictures) == {"base", *(f"{m}/{s}" for m in ("dni", "adafm", "cfsnet", "none") for s in (0.3, 0.5))}
    assert all(bank.shape == (8, 3, 3) for bank in pictures.values())
    assert found.convolution.startswith("body.")
    by_name = {(c.name, c.level): np.mean(list(c.correlation.values())) for c in found.changes}
    assert by_name["dni", 0.5] < by_name["dni", 0.3] < 0.999
    # AdaFM of 3x3 and CFSNet leave the convolutions alone and add some of their own
    assert by_name["adafm", 0.5] == pytest.approx(1) == by_name["cfsnet", 0.5] == by_name["none", 0.5]
    assert list(found.changes[0].correlation) == ["head"] + [f"body.{i}.conv{j}" for i in (0, 1) for j in (1, 2)] + [
        "tail"
    ]
    assert found.trajectories["none"] == [(0, 0)] * 3
    assert np.hypot(*found.trajectories["dni"][2]) > np.hypot(*found.trajectories["dni"][1]) > 0
