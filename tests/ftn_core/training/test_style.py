"""The training loop with a loss of features, which is itself a network."""

from pathlib import Path

import pytest
import torch
from gpu import on_cuda

from ftn_core.losses.style import Style
from ftn_core.parameters.training import Schedule
from ftn_core.runtime.network_file import build_network
from ftn_core.sources.vgg16_weights import read_weights
from ftn_core.training.batches import Batches, FreshNoise
from ftn_core.training.fabric import make_fabric
from ftn_core.training.loop import Run, fit, validation_score
from ftn_core.training.plan import Plan

PLAN = Plan(
    steps=60, lr=0.01, batch_size=2, crop=32, validations=3,
    schedule=Schedule(name="cosine", warmup_steps=0, milestones=[]),
)  # fmt: skip


@pytest.fixture(scope="module")
def weights():
    return read_weights("stlpips", "relu2_2", Path())


def make_batches(store, fabric):
    return Batches(
        store, FreshNoise(1e-3, clip=False), batch_size=2, crop=32, permute_channels=True, seed=0, device=fabric.device
    )


class StoppedError(Exception):
    pass


def test_training_lowers_the_style_loss_and_goes_on_where_it_was(make_store, tmp_path, weights, monkeypatch):
    monkeypatch.setattr("ftn_core.training.loop.SAVE_SECONDS", 0)
    monkeypatch.setattr("ftn_core.training.loop.CHECK_SECONDS", 0)
    store = make_store("train")
    picture = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    loss = Style(
        weights, picture, content=1.0, content_layer="relu1_2", style=1.0, style_layers=["relu1_2"],
        total_variation=0.0,
    )  # fmt: skip
    fabric = make_fabric(1, "bf16-mixed")

    def run(folder, stop=-1):
        torch.manual_seed(0)
        network = build_network("transform_net", 8, 1)
        batches = make_batches(store, fabric)

        def until_stop(step):
            if step == stop:
                raise StoppedError
            return batches(step)

        def validate(module):
            return validation_score(module, loss, store, store, 2, fabric.device)

        return network, fit(network, loss, until_stop, validate, PLAN, Run("test", tmp_path / folder), fabric)

    network, rows = run("a")
    assert rows[-1]["loss"] < 0.7 * rows[0]["loss"]
    assert rows[-1]["val_score"] > rows[0]["val_score"] + 0.5
    with pytest.raises(StoppedError):
        run("b", stop=27)
    again, rows_again = run("b")
    assert rows_again == rows
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in network.state_dict().items())


@on_cuda
def test_a_step_is_captured_with_its_loss(make_store, tmp_path, weights, monkeypatch):
    picture = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    options = {"content": 1.0, "content_layer": "relu1_2", "style": 1.0, "style_layers": ["relu1_2", "relu2_2"]}
    store, curves = make_store("train"), []
    for eager in (False, True):
        if eager:
            monkeypatch.setattr("ftn_core.training.loop.GraphedStep", lambda step: step)
        torch.manual_seed(0)
        fabric = make_fabric(1, "bf16-mixed")
        loss = Style(weights, picture, total_variation=0.1, **options)
        network = build_network("transform_net", 8, 1)
        batches = make_batches(store, fabric)
        rows = fit(network, loss, batches, lambda module: 0.0, PLAN, Run("test", tmp_path / "state"), fabric)
        curves.append([row["loss"] for row in rows])
    assert curves[0] == pytest.approx(curves[1], rel=0.05)
