from dataclasses import replace

import pytest
import torch

from ftn_core.data.store import Store
from ftn_core.data.task import DENOISING
from ftn_core.degradations.degradation import Degradation
from ftn_core.degradations.degraded_set import write_degraded_set
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import load_level, save_level
from ftn_core.losses.load import load_loss
from ftn_core.parameters.losses import PixelLossOptions
from ftn_core.parameters.training import Schedule
from ftn_core.runtime.images import restore, to_image
from ftn_core.runtime.network_file import TrainedNetwork, build_network
from ftn_core.runtime.psnr import psnr
from ftn_core.sources.pack_loss import pack_loss
from ftn_core.training import loop
from ftn_core.training.batches import Batches, FreshNoise, FreshNoiseRange, StoredLevels
from ftn_core.training.data import TrainingData
from ftn_core.training.fabric import make_fabric
from ftn_core.training.line import LineNetwork, learn_line
from ftn_core.training.loop import Run
from ftn_core.training.plan import Plan
from ftn_core.training.train import Recipe, train

SPEC = {"name": "unshuffle_net", "channels": 8, "depth": 2}
NORMED = {"name": "resnet", "channels": 8, "depth": 5}
ENDS = (0.1, 0.5)
AT_ENDS = tuple(FreshNoise(sigma, clip=False) for sigma in ENDS)
CPU = torch.device("cpu")


@pytest.fixture
def recipe(make_store, tmp_path):
    for split in ("train", "val", "test"):
        make_store(f"photographs/{split}", count=2, seed=len(split))
    for sigma in (0.1, 0.3, 0.5):
        degradation = Degradation.of(DENOISING.degradation)
        write_degraded_set(tmp_path / "photographs", tmp_path / f"{sigma}", degradation, sigma, seed=0, train=True)
    loss = tmp_path / "loss.safetensors"
    pack_loss(loss, PixelLossOptions(name="l1"), weights="", features=tmp_path, styles=tmp_path)
    schedule = Schedule(name="cosine", warmup_steps=0, milestones=[])
    return Recipe(
        data=TrainingData(tmp_path / "photographs", tmp_path / "0.5", permute_channels=True),
        degraded=FreshNoiseRange(*ENDS, clip=False, draws=4),
        loss=loss,
        plan=Plan(steps=6, lr=0.003, batch_size=4, crop=16, schedule=schedule, validations=2),
        seed=1,
        val_images=2,
    )


def fresh_line(spec=SPEC, levels_per_step=4):
    torch.manual_seed(0)
    return LineNetwork(build_network(**spec), ENDS, levels_per_step)


def learned(network, recipe, folder, at_ends=AT_ENDS):
    return learn_line(network, at_ends, recipe, Run("test", folder / "state"), make_fabric(1), norm_batches=3)


def denoiser(network, end, spec=SPEC):
    return ContinuousDenoiser(DENOISING, spec, network.base, ENDS[0], [end])


def test_at_the_start_every_level_has_the_same_network():
    network, x = fresh_line().eval(), torch.rand(4, 3, 16, 16)
    level = torch.tensor([0.1, 0.2, 0.35, 0.5]).view(-1, 1, 1, 1)
    torch.testing.assert_close(network(x, level), network.base(x))


def test_each_image_passes_through_the_network_of_its_level():
    network, x = fresh_line(levels_per_step=2).eval(), torch.rand(4, 3, 16, 16)
    for parameter in network.direction:
        torch.nn.init.normal_(parameter, std=0.1)
    level = torch.tensor([0.2, 0.5, 0.2, 0.5]).view(-1, 1, 1, 1)
    expected = torch.empty_like(x)
    with torch.no_grad():
        for i, s in enumerate((0.25, 1, 0.25, 1)):
            single = build_network(**SPEC).eval()
            single.load_state_dict(network.base.state_dict() | network.weights(s))
            expected[i] = single(x[i : i + 1])[0]
        torch.testing.assert_close(network(x, level), expected)
        torch.testing.assert_close(network(x)[1], expected[1])


@pytest.mark.parametrize("spec", [SPEC, NORMED], ids=["plain", "batch norm"])
def test_both_ends_of_the_dial_are_the_trained_networks_bit_for_bit(recipe, tmp_path, spec):
    network = fresh_line(spec)
    end, rows = learned(network, recipe, tmp_path)
    assert [row["step"] for row in rows] == [3, 6]
    assert any(parameter.any() for parameter in network.direction)
    TrainedNetwork(spec, network.base, ENDS[0]).save(tmp_path / "base")
    save_level(tmp_path / "end", end, 5.0, network.base)
    base = TrainedNetwork.load(tmp_path / "base")
    denoiser(network, end, spec).save(tmp_path / "denoiser")
    for found in (
        ContinuousDenoiser.load(tmp_path / "denoiser"),
        ContinuousDenoiser(DENOISING, spec, base.network, ENDS[0], [load_level(tmp_path / "end", base.network)]),
    ):
        for s, statistics in ((0.0, {}), (1.0, end.statistics)):
            state = found.state(s)
            for name, value in network.weights(s).items():
                assert torch.equal(state[name], value), name
            for name, value in statistics.items():
                assert torch.equal(state[name], value), name
        weights, middle = network.weights(0.5), found.state(0.5)
        for name in weights:
            torch.testing.assert_close(middle[name], weights[name])


def test_batch_norm_has_statistics_of_each_end(recipe, tmp_path):
    network = fresh_line(NORMED)
    end, _ = learned(network, recipe, tmp_path)
    own = dict(network.base.named_buffers())
    assert set(end.statistics) == {name for name in own if "running" in name}
    # the first layer of body sees the head's features alone: its mean is known without the other norms
    for weights, degraded, found in (
        (network.weights(0.0), AT_ENDS[0], own),
        (network.weights(1.0), AT_ENDS[1], end.statistics),
    ):
        batches = recipe.data.batches(degraded, recipe.plan, recipe.seed, make_fabric(1))
        means = []
        for step in range(3):
            x = torch.relu(
                torch.nn.functional.conv2d(batches(step)[0], weights["head.weight"], weights["head.bias"], padding=1)
            )
            means.append(torch.nn.functional.conv2d(x, weights["body.0.conv.weight"], padding=1).mean((0, 2, 3)))
        torch.testing.assert_close(found["body.0.norm.running_mean"], torch.stack(means).mean(0), atol=1e-4, rtol=1e-3)


def test_without_batch_norm_the_last_row_has_the_score_of_the_far_end(recipe, tmp_path):
    network = fresh_line()
    end, rows = learned(network, recipe, tmp_path)
    assert end.statistics == {}
    found = recipe.data.score(denoiser(network, end).fold(1), load_loss(recipe.loss), 2, CPU)
    assert rows[-1]["val_score"] == pytest.approx(found, abs=1e-3)


@pytest.mark.slow
def test_one_training_serves_the_whole_range_as_no_network_of_one_level_does(recipe, make_store, tmp_path):
    """At equal steps: near the networks of each end there, and above both over the range."""
    low, high = 0.05, 0.25
    levels = (low, 0.15, high)
    recipe = replace(recipe, plan=replace(recipe.plan, steps=300, lr=0.005, validations=1, batch_size=8))
    clean = torch.cat([to_image(image) for image in make_store("clean", seed=5)])

    def scores(networks):
        noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
        return [psnr(restore(n.eval(), clean + s * noise), clean) for n, s in zip(networks, levels, strict=True)]

    torch.manual_seed(0)
    network = LineNetwork(build_network(**SPEC), (low, high), 4)
    noise = FreshNoiseRange(low, high, clip=False, draws=4)
    at_ends = tuple(FreshNoise(sigma, clip=False) for sigma in (low, high))
    end, _ = learned(network, replace(recipe, degraded=noise), tmp_path, at_ends)
    dial = ContinuousDenoiser(DENOISING, SPEC, network.base, low, [end])
    line, single = scores([dial.fold(dial.position(sigma)) for sigma in levels]), []
    for noise in at_ends:
        torch.manual_seed(0)
        own = build_network(**SPEC)
        train(own, replace(recipe, degraded=noise), Run("test", tmp_path / "state"), make_fabric(1))
        single.append(scores([own] * 3))
    print(f"line {line}, networks of its ends {single}")
    assert line[0] > single[0][0] - 0.5 and line[2] > single[1][2] - 0.5
    assert line[0] > single[1][0] + 0.5 and line[2] > single[0][2] + 0.3
    assert sum(line) > max(map(sum, single)) + 0.3


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("spec", [SPEC, NORMED], ids=["plain", "batch norm"])
def test_interrupted_and_started_again_it_equals_the_uninterrupted_training(recipe, tmp_path, monkeypatch, spec):
    monkeypatch.setattr(loop, "SAVE_SECONDS", 0)
    monkeypatch.setattr(loop, "CHECK_SECONDS", 0)
    whole = fresh_line(spec)
    expected, rows = learned(whole, recipe, tmp_path)
    original = Batches.__call__

    def stop(self, step):
        if step == 4:
            raise StoppedError
        return original(self, step)

    with monkeypatch.context() as patch:
        patch.setattr(Batches, "__call__", stop)
        with pytest.raises(StoppedError):
            learned(fresh_line(spec), recipe, tmp_path)
    assert (tmp_path / "state").exists()
    resumed = fresh_line(spec)
    end, again = learned(resumed, recipe, tmp_path)
    assert again == rows
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    for name, value in expected.statistics.items():
        assert torch.equal(value, end.statistics[name]), name


def test_degradations_that_are_not_drawn_anew_are_of_the_stored_levels(recipe, tmp_path):
    stores = {sigma: Store(tmp_path / f"{sigma}/train") for sigma in (0.1, 0.3, 0.5)}
    network = fresh_line()
    end, rows = learned(
        network, replace(recipe, degraded=StoredLevels(stores, 4)), tmp_path, at_ends=(stores[0.1], stores[0.5])
    )
    assert rows[-1]["loss"] > 0 and any(parameter.any() for parameter in network.direction)
    assert denoiser(network, end).position(0.3) == pytest.approx(0.5)
