from dataclasses import replace

import pytest
import torch

from ftn_core.data.task import DENOISING
from ftn_core.degradations.degradation import Degradation
from ftn_core.degradations.degraded_set import write_degraded_set
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.losses.load import load_loss
from ftn_core.parameters.losses import PixelLossOptions
from ftn_core.parameters.training import Schedule
from ftn_core.parameters.transitions import DniOptions
from ftn_core.runtime.network_file import TrainedNetwork, build_network
from ftn_core.sources.pack_loss import pack_loss
from ftn_core.training.batches import Batches, FreshNoise, FreshNoiseRange
from ftn_core.training.data import TrainingData
from ftn_core.training.fabric import make_fabric
from ftn_core.training.finetune import adapt
from ftn_core.training.loop import Run
from ftn_core.training.plan import Plan
from ftn_core.training.train import Recipe

SPEC = {"name": "resnet", "channels": 8, "depth": 5}
OPTIONS = DniOptions(method="dni", lr=0.003, supervision="level", rescale=False)


@pytest.fixture
def base():
    torch.manual_seed(0)
    network = build_network(**SPEC).eval().requires_grad_(False)
    torch.nn.init.normal_(network.tail.weight, std=0.1)
    return TrainedNetwork(SPEC, network, 0.2)


@pytest.fixture
def recipe(make_store, tmp_path):
    for split in ("train", "val", "test"):
        make_store(f"photographs/{split}", count=2, seed=len(split))
    degradation = Degradation.of(DENOISING.degradation)
    write_degraded_set(tmp_path / "photographs", tmp_path / "0.5", degradation, 0.5, seed=0, train=True)
    loss = tmp_path / "loss.safetensors"
    pack_loss(loss, PixelLossOptions(name="l1"), weights="", features=tmp_path, styles=tmp_path)
    schedule = Schedule(name="cosine", warmup_steps=0, milestones=[])
    return Recipe(
        data=TrainingData(tmp_path / "photographs", tmp_path / "0.5", permute_channels=True),
        degraded=FreshNoise(0.5, clip=False),
        loss=loss,
        plan=Plan(steps=4, lr=0.003, batch_size=2, crop=16, schedule=schedule, validations=2),
        seed=1,
        val_images=2,
    )


def adapted(base, recipe, folder, options=OPTIONS, **changes):
    run, fabric = Run("test", folder / "state"), make_fabric(1)
    arguments = {"seed": 0, "norm_batches": 3} | changes
    return adapt(base, 0.5, "dni", options, DENOISING.degradation, recipe, run, fabric, **arguments)


def test_a_level_has_what_was_learned_and_statistics_of_its_own(base, recipe, tmp_path):
    before = {name: value.clone() for name, value in base.network.state_dict().items()}
    level, rows = adapted(base, recipe, tmp_path)
    assert (level.value, level.method, level.options) == (0.5, "dni", {"rescale": False})
    assert [row["step"] for row in rows] == [2, 4]
    assert all(torch.equal(value, before[name]) for name, value in base.network.state_dict().items())
    learned = level.transition(dict(base.network.named_parameters()))
    assert any(not torch.equal(value, before[name]) for name, value in learned.items())
    assert set(level.statistics) == {name for name in before if "running" in name}
    assert all(not torch.equal(value, before[name]) for name, value in level.statistics.items())


def test_the_last_row_has_the_score_of_the_folded_network(recipe, tmp_path):
    spec = {"name": "unshuffle_net", "channels": 8, "depth": 1}  # with batch norm statistics would have changed since
    base = TrainedNetwork(spec, build_network(**spec), 0.2)
    level, rows = adapted(base, recipe, tmp_path)
    network = ContinuousDenoiser(DENOISING, spec, base.network, 0.2, [level]).fold(1)
    score = recipe.data.score(network, load_loss(recipe.loss), 2, torch.device("cpu"))
    assert rows[-1]["val_score"] == pytest.approx(score, abs=1e-3)


@pytest.fixture
def made(monkeypatch):
    """What batches are made of while the test runs: degraded photographs, or noise."""
    found = []
    original = Batches.__init__

    def remember(self, clean, degraded, **options):
        found.append(degraded)
        original(self, clean, degraded, **options)

    monkeypatch.setattr(Batches, "__init__", remember)
    return found


@pytest.mark.parametrize("supervision", ["level", "continuous"])
def test_it_is_trained_at_its_level_or_at_every_sigma_from_the_bases_on(base, recipe, tmp_path, made, supervision):
    adapted(base, recipe, tmp_path, OPTIONS.model_copy(update={"supervision": supervision}))
    at_level = FreshNoise(0.5, clip=False)
    trained = at_level if supervision == "level" else FreshNoiseRange(0.2, 0.5, clip=False, draws=1)
    assert made == [trained, at_level]  # the statistics are those of the level


def test_without_fresh_noise_it_is_trained_on_the_degraded_set(base, recipe, tmp_path, made):
    adapted(base, replace(recipe, degraded=None), tmp_path)
    assert [store.folder for store in made] == 2 * [tmp_path / "0.5/train"]


def test_a_level_of_a_chain_starts_on_the_dial(base, recipe, tmp_path):
    frozen = replace(recipe, plan=replace(recipe.plan, steps=1, lr=1e-12))
    level, _ = adapted(base, recipe, tmp_path)
    wide = ContinuousDenoiser(
        DENOISING, SPEC, base.network, 0.2, [AdaptedLevel(0.8, "dni", level.options, level.transition, {})]
    )
    between, _ = adapted(base, frozen, tmp_path, start=wide)
    state = wide.state(0.5)  # the dial stands half way for 0.5, between 0.2 and 0.8
    for name, value in between.transition(dict(base.network.named_parameters())).items():
        torch.testing.assert_close(value, state[name], atol=1e-6, rtol=1e-5)
