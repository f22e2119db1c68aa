"""The dial below the weakest trained level, down to where the output is the input."""

import copy
import math

import pytest
import torch
from small_denoiser import CAMERA, DEJPEG, ENLARGED, PLEASING

from ftn_core.data.task import DENOISING, DegradationSpec, Task
from ftn_core.denoiser.blend import SQUARE, blend_weight, by_energy, noise_energy, set_blend
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.runtime.images import restore
from ftn_core.runtime.network_file import build_network
from ftn_core.runtime.tiles import tiled

NETWORKS = {"unshuffle_net": (8, 2), "resnet": (8, 5), "adafm_net": (12, 1), "dncnn": (8, 5), "transform_net": (8, 1)}
HOMOGENEOUS = sorted({*NETWORKS} - {"transform_net"})
METHODS = {
    "ftn": {"groups": 1}, "dni": {"rescale": True}, "adafm": {"kernel": 3}, "cfsnet": {},
    "dynamic_net": {"after": [0.5, 1.0], "width": 1.0}, "scale_mix": {"mixes": 1, "groups": 2},
}  # fmt: skip
TASKS = {
    "noise": (DENOISING, [0.2, 0.5], 0), "camera": (CAMERA, [0.05, 0.2], 0), "jpeg": (DEJPEG, [40, 10], 100),
    "scale": (ENLARGED, [2, 4], 1),
}  # fmt: skip
X = torch.rand(2, 3, 21, 26, generator=torch.Generator().manual_seed(0))
NOISY = X + 0.1 * torch.randn(X.shape, generator=torch.Generator().manual_seed(1))  # leaves [0, 1]


def make_denoiser(network="unshuffle_net", task=DENOISING, base=0.2, adapted=(0.5,), method="ftn"):
    """Random weights and statistics, so that every level differs from every other."""
    torch.manual_seed(0)
    spec = {"name": network, "channels": NETWORKS[network][0], "depth": NETWORKS[network][1]}
    plain = build_network(**spec).eval()
    for parameter in plain.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    for name, buffer in plain.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            torch.nn.init.uniform_(buffer, 0.5, 1.5)
    levels = []
    for value in adapted:
        transition = build_transition(method, plain, task.degradation.ratio(value, base), **METHODS[method])
        for parameter in transition.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)
        statistics = {n: b + torch.rand_like(b) for n, b in plain.named_buffers() if b.is_floating_point()}
        levels.append(AdaptedLevel(value, method, METHODS[method], transition, statistics))
    return ContinuousDenoiser(task, spec, plain, base, levels)


def unblended(denoiser, position):
    network = denoiser.fold(position)
    set_blend(network, math.inf if denoiser.task is DENOISING else 1.0)
    return network


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("network", NETWORKS)
def test_with_nothing_to_do_the_output_is_the_input_bit_for_bit(network, kind):
    task, (base, last), nothing = TASKS[kind]
    denoiser = make_denoiser(network, task, base, [last])
    assert denoiser.position(nothing) == -1 == denoiser.span[0] and denoiser.ends == (nothing, last)
    assert torch.equal(denoiser.fold(-1)(NOISY), NOISY)
    assert not torch.equal(denoiser.fold(0)(NOISY), NOISY)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_reaches_nothing_and_has_the_base_bit_for_bit_at_its_level(method):
    denoiser = make_denoiser(method=method, adapted=[0.05, 0.5])
    network = denoiser.fold(1)
    assert torch.equal(denoiser.fold(-2, network)(NOISY), NOISY)
    assert torch.equal(denoiser.fold(0, network)(NOISY), denoiser.base(NOISY))
    for position in (-0.5, 0.5):  # beside the base nothing jumps
        near, base = denoiser.fold(position * 1e-5, network)(X), denoiser.base(X)
        torch.testing.assert_close(near, base, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("ratio", [0.9, 0.4, 0.05])
@pytest.mark.parametrize("network", HOMOGENEOUS)
def test_below_its_level_noise_is_restored_by_the_rescaled_base(network, ratio):
    denoiser = make_denoiser(network)
    expected = ratio * denoiser.base(NOISY / ratio)
    torch.testing.assert_close(
        unblended(denoiser, denoiser.position(0.2 * ratio))(NOISY), expected, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("network", HOMOGENEOUS)
def test_rescaling_changes_only_biases_and_means(network):
    denoiser = make_denoiser(network)
    base, folded = denoiser.state(0), denoiser.state(-0.75)
    for name, value in folded.items():
        scaled = name.endswith((".bias", ".running_mean"))
        torch.testing.assert_close(value, 0.25 * base[name] if scaled else base[name], rtol=1e-5, atol=1e-7)
    assert denoiser.fold(-0.75).state_dict().keys() == denoiser.base.state_dict().keys()


def test_what_is_not_homogeneous_or_not_noise_keeps_its_weights():
    for denoiser in (make_denoiser("transform_net"), make_denoiser(task=DEJPEG, base=40, adapted=[10])):
        assert not denoiser.rescales
        assert all(torch.equal(value, denoiser.state(0)[name]) for name, value in denoiser.state(-0.6).items())


@pytest.mark.parametrize("network", HOMOGENEOUS)
def test_every_network_that_says_so_is_homogeneous(network):
    base = make_denoiser(network).base
    assert base.homogeneous
    scaled = copy.deepcopy(base)
    with torch.no_grad():
        for name, value in scaled.state_dict().items():
            if name.endswith((".bias", ".running_mean")):
                value *= 3
    torch.testing.assert_close(scaled(3 * X), 3 * base(X), rtol=1e-4, atol=1e-4)
    assert not build_network("transform_net", 8, 1).homogeneous


def test_levels_on_both_sides_of_the_base():
    denoiser = make_denoiser(adapted=[0.5, 0.05, 0.1])  # in any order
    assert denoiser.trained == [0.05, 0.1, 0.2, 0.5] and denoiser.span == (-3, 1)
    assert [denoiser.position(level) for level in (0, 0.05, 0.1, 0.2, 0.5)] == [-3, -2, -1, 0, 1]
    for place, level in ((-2, 0.05), (-1, 0.1), (1, 0.5)):
        own = denoiser.at(place)
        assert own.value == level
        expected = denoiser.base.state_dict() | own.transition(dict(denoiser.base.named_parameters()))
        assert all(torch.equal(v, (expected | own.statistics)[n]) for n, v in denoiser.state(place).items())
    assert denoiser.at(0) is None
    for beyond in (-3, 2):
        with pytest.raises(IndexError):
            denoiser.at(beyond)
    weakest = denoiser.fold(-2)
    torch.testing.assert_close(unblended(denoiser, -2.5)(X), 0.5 * weakest(X / 0.5), rtol=1e-4, atol=1e-5)


def test_branches_of_both_sides_are_mixed_in_as_features():
    denoiser = make_denoiser(method="cfsnet", adapted=[0.05, 0.5])
    for end in (-1, 1):
        own, half = denoiser.state(end), denoiser.state(end / 2)
        for name in denoiser.at(end).transition.constant:
            assert torch.equal(half[name], own[name])


@pytest.mark.parametrize(
    "task",
    [
        PLEASING,
        Task(
            DegradationSpec(
                [{"name": "downscaling", "scale": 2.0}, {"name": "noise", "sigma": "level", "clip": False}]
            ),
            ("faithful", "faithful"),
        ),
    ],
    ids=["two objectives", "two steps"],
)
def test_where_something_always_is_to_do_the_dial_begins_at_its_weakest_level(task):
    denoiser = make_denoiser(task=task, base=0, adapted=[1])
    assert denoiser.nothing is None and denoiser.span == (0, 1) and denoiser.ends == (0, 1)
    assert not hasattr(denoiser.fold(0.5), "blend")


def test_the_energy_that_noise_has_is_all_that_is_taken():
    image = torch.full((1, 3, 30, 40), 0.5)
    output = image - torch.where(torch.arange(40) < 20, 0.1, 0.02)  # takes much on the left and little on the right
    weight = by_energy(torch.tensor(0.05**2), image, output)
    assert weight.shape == output.shape
    torch.testing.assert_close(weight[..., : 20 - SQUARE // 2], torch.full_like(weight, 0.25)[..., : 20 - SQUARE // 2])
    assert (weight[..., 20 + SQUARE // 2 :] == 1).all()
    assert (by_energy(torch.tensor(0.0), image, image) == 0).all()
    assert (by_energy(torch.tensor(math.inf), image, image) == 1).all()


def test_far_below_the_level_the_allowed_energy_is_that_of_the_noise():
    assert noise_energy(0.02, 0.1) == pytest.approx(0.02**2, rel=1e-3)
    assert noise_energy(0.0, 0.0) == 0 and noise_energy(0.2, 1.0) == noise_energy(0.3, 1.5) == math.inf


def test_calibrated_weights_are_met_and_quadratic_towards_nothing():
    points = [(0.25, 0.4), (0.5, 0.6)]
    assert [blend_weight(points, reach) for reach in (0, 0.25, 0.5, 1, 2.7)] == [0, 0.4, 0.6, 1, 1]
    assert blend_weight(points, 0.125) == pytest.approx(0.1)
    assert 0.6 < blend_weight(points, 0.7) < 1
    assert blend_weight([], 0.5) == pytest.approx(0.25)


def test_saved_and_loaded_the_blend_is_the_same(tmp_path):
    denoiser = make_denoiser(task=DEJPEG, base=40, adapted=[80, 10])
    denoiser.blend = [(0.25, 0.4), (0.5, 0.6)]
    denoiser.save(tmp_path / "d.safetensors")
    loaded = ContinuousDenoiser.load(tmp_path / "d.safetensors")
    assert loaded.blend == denoiser.blend and loaded.trained == [80, 40, 10]
    for position in (-2, -1.4, -0.5, 0.3):
        assert torch.equal(loaded.fold(position)(X), denoiser.fold(position)(X))
    half = denoiser.fold(-1.5)(X)
    torch.testing.assert_close(half, X + 0.6 * (denoiser.fold(-1)(X) - X))


def test_large_images_are_restored_in_windows_below_the_level_too():
    network = make_denoiser().fold(-0.8)
    image = torch.rand(1, 3, 150, 170)
    with torch.inference_mode():
        torch.testing.assert_close(
            tiled(network, image, network.radius, window=100), network(image), rtol=1e-5, atol=1e-5
        )


def test_restoring_leaves_the_input_alone():
    image = NOISY.clone()
    assert torch.equal(restore(make_denoiser().fold(-1), image), NOISY.clamp(0, 1))
    assert torch.equal(image, NOISY)
