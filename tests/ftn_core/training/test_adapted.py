from pathlib import Path

import pytest
import torch

from ftn_core.data.store import Store, StoreWriter
from ftn_core.data.task import DENOISING
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.losses.pixel import Pixel
from ftn_core.parameters.training import Schedule
from ftn_core.runtime.network_file import build_network
from ftn_core.runtime.tiles import WINDOW
from ftn_core.training.adapted import AdaptedNetwork, initialize_on_dial
from ftn_core.training.batches import Batches, FreshNoise
from ftn_core.training.fabric import make_fabric
from ftn_core.training.loop import Run, fit, validation_score
from ftn_core.training.norm_statistics import estimate_statistics
from ftn_core.training.plan import Plan

SPEC = {"name": "resnet", "channels": 8, "depth": 5}
OPTIONS = {
    "dni": {"rescale": True},
    "adafm": {"kernel": 3},
    "ftn": {"groups": 1},
    "cfsnet": {},
    "dynamic_net": {"after": [0.5, 1.0], "width": 1.0},
}
X = torch.rand(1, 3, 20, 24)


def make_denoiser(method):
    torch.manual_seed(0)
    base = build_network(**SPEC).eval()
    levels = []
    for sigma in (0.5, 0.6):
        transition = build_transition(method, base, sigma / 0.2, **OPTIONS[method])
        for parameter in transition.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
        levels.append(AdaptedLevel(sigma, method, OPTIONS[method], transition, {}))
    return ContinuousDenoiser(
        DENOISING, SPEC, base, 0.2, levels, dial=[(0.2, 0.0), (0.3, 0.25), (0.5, 1.0), (0.6, 2.0)]
    )


def starting(denoiser, method, sigma):
    transition = build_transition(method, denoiser.base, sigma / 0.2, **OPTIONS[method])
    initialize_on_dial(transition, denoiser, sigma)
    return AdaptedNetwork(denoiser.base, transition, (0.2, sigma)).eval()


@pytest.mark.parametrize(
    ("method", "sigma"),
    [
        *((method, sigma) for method in ("dni", "adafm", "dynamic_net") for sigma in (0.3, 0.55)),
        ("cfsnet", 0.3),  # between two adapted levels its coefficients are products of interpolated layers
    ],
)
def test_a_level_between_starts_as_the_network_on_the_dial(method, sigma):
    denoiser = make_denoiser(method)
    expected = denoiser.fold(denoiser.position(sigma))(X)
    torch.testing.assert_close(starting(denoiser, method, sigma)(X), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("method", OPTIONS)
def test_at_the_last_level_it_starts_as_that_level(method):
    denoiser = make_denoiser(method)
    torch.testing.assert_close(starting(denoiser, method, 0.6)(X), denoiser.fold(2)(X), rtol=1e-5, atol=1e-5)


def test_training_it_leaves_the_neighbours_alone():
    denoiser = make_denoiser("dni")
    before = {name: value.clone() for name, value in denoiser.levels[1].transition.state_dict().items()}
    for parameter in starting(denoiser, "dni", 0.6).transition.parameters():
        assert parameter.requires_grad
        parameter.data += 1
    after = denoiser.levels[1].transition.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def noisy_batches(store, sigma):
    return Batches(
        store, FreshNoise(sigma, clip=False), batch_size=4, crop=16, permute_channels=True, seed=0,
        device=torch.device("cpu"),
    )  # fmt: skip


def trained(network, batches, folder: Path, steps):
    plan = Plan(steps, 0.003, 4, 16, Schedule(name="cosine", warmup_steps=0, milestones=[]), validations=1)
    fit(network, Pixel("l1"), batches, lambda network: 0.0, plan, Run("test", folder / "state"), make_fabric(1))
    return network


def adapted(base, method="ftn"):
    return AdaptedNetwork(base, build_transition(method, base, 2.5, **OPTIONS[method]), (0.2, 0.5))


@pytest.mark.parametrize("name", ["unshuffle_net", "resnet"])
def test_finetuning_leaves_the_base_alone_and_learns(make_store, tmp_path, name):
    torch.manual_seed(0)
    store = make_store("train")
    base = trained(build_network(name, 8, 5), noisy_batches(store, 0.2), tmp_path, steps=100)
    before = {n: v.clone() for n, v in base.state_dict().items()}
    network = adapted(base)
    x = torch.rand(2, 3, 16, 16)
    assert torch.equal(network.eval()(x), base.eval()(x))
    trained(network, noisy_batches(store, 0.5), tmp_path, steps=30)
    for n, v in base.state_dict().items():
        assert torch.equal(v, before[n]), n
    for n, p in network.base.named_parameters():
        assert torch.equal(p, before[n]), n
    level = network.transition(dict(base.named_parameters()))
    assert any(not torch.equal(v, before[n]) for n, v in level.items())


def test_batch_norm_statistics_are_those_of_the_level(make_store, tmp_path):
    network = adapted(build_network("resnet", 8, 5))
    batches = noisy_batches(make_store("train"), 0.5)
    trained(network, batches, tmp_path, steps=5)
    statistics = estimate_statistics(network.base, network, batches, 4)
    assert {n.rsplit(".", 1)[1] for n in statistics} == {"running_mean", "running_var"}
    # by hand for the first layer: its input needs no other norm
    inputs = [torch.relu(adapted_head(network, batches(step)[0])) for step in range(4)]
    conv = network.transition(dict(network.base.named_parameters()))["body.0.conv.weight"]
    outputs = [torch.nn.functional.conv2d(x, conv, padding=1) for x in inputs]
    mean = torch.stack([x.mean((0, 2, 3)) for x in outputs]).mean(0)
    torch.testing.assert_close(statistics["body.0.norm.running_mean"], mean, atol=1e-5, rtol=1e-4)


def adapted_head(network, x):
    state = network.transition(dict(network.base.named_parameters()))
    return torch.nn.functional.conv2d(x, state["head.weight"], network.base.head.bias, padding=1)


def test_a_base_without_batch_norm_has_no_statistics():
    network = adapted(build_network("unshuffle_net", 8, 2))
    assert estimate_statistics(network.base, network, None, 3) == {}


def test_statistics_are_estimated_without_gradients(make_store):
    network = adapted(build_network("resnet", 8, 5))
    outputs = []
    network.register_forward_hook(lambda module, inputs, output: outputs.append((torch.is_grad_enabled(), output)))
    statistics = estimate_statistics(network.base, network, noisy_batches(make_store("train"), 0.5), 3)
    # with gradients each pass would keep all its features until the next
    assert [(grad, output.grad_fn, output.requires_grad) for grad, output in outputs] == [(False, None, False)] * 3
    assert statistics and not any(value.requires_grad for value in statistics.values())
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("method", "options", "pixels"),
    [
        ("ftn", {"groups": 1}, 0),
        ("dni", {}, 0),
        ("adafm", {"kernel": 1}, 0),
        ("adafm", {"kernel": 5}, 2 * 4 * 2),  # two pixels of the body for each of its four convolutions
        ("dynamic_net", {"after": [0.5, 1.0], "width": 1.0}, 2 * 3 * 2),  # two blocks of three convolutions
    ],
)
def test_its_radius_is_that_of_the_extended_base(method, options, pixels):
    base = build_network("unshuffle_net", 8, 2)
    network = AdaptedNetwork(base, build_transition(method, base, 2.5, **options), (0.2, 0.5))
    assert network.radius == base.radius + pixels == network.transition.extend(network.base).radius
    assert base.radius == 13


def test_where_the_base_sees_the_whole_image_so_does_the_adapted_network():
    base = build_network("transform_net", 8, 1)
    assert AdaptedNetwork(base, build_transition("dni", base, 1.0), (0.0, 1.0)).radius is None


def test_finetuning_validates_large_images_in_windows(tmp_path):
    torch.manual_seed(0)
    base = build_network("unshuffle_net", 8, 1)
    torch.nn.init.normal_(base.tail.weight, std=0.1)
    network = AdaptedNetwork(base, build_transition("adafm", base, 2.5, kernel=5), (0.2, 0.5))
    for parameter in network.transition.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    pixels = torch.randint(0, 256, (3, 20, WINDOW + 300), dtype=torch.uint8).numpy()
    for name in ("clean", "degraded"):
        with StoreWriter(tmp_path / name, "uint8") as writer:
            writer.append("wide", pixels)
    clean, degraded = (Store(tmp_path / name) for name in ("clean", "degraded"))
    passes = []
    network.register_forward_hook(lambda module, inputs, output: passes.append(tuple(inputs[0].shape)))

    def score():
        return validation_score(network, Pixel("l1"), clean, degraded, 1, torch.device("cpu"))

    found = score()
    assert [shape[0] for shape in passes] == [2] and passes[0][3] <= WINDOW  # two windows, in one pass
    with pytest.MonkeyPatch.context() as patch:  # as it would be in one piece
        patch.setattr(AdaptedNetwork, "radius", None)
        assert found == pytest.approx(score(), abs=1e-4)
    assert passes[1:] == [(1, 3, 20, WINDOW + 300)]
