import pytest
import torch
from gpu import on_cuda

from ftn_core.losses.style import Style
from ftn_core.parameters import Schedule, Train
from ftn_core.runtime.device import make_fabric
from ftn_core.runtime.network_file import build_network
from ftn_core.training.batches import Batches
from ftn_core.training.loop import fit, validation_score

TRAIN = Train(
    steps=60, lr=0.01, batch_size=2, devices=1, crop=32, loss={"name": "l1"}, noise="fresh", permute_channels=True,
    schedule=Schedule(name="cosine", warmup_steps=0, milestones=[]), precision="32-true", validations=3, val_images=2,
)  # fmt: skip


class StoppedError(Exception):
    pass


def test_training_lowers_the_style_loss_and_goes_on_where_it_was(make_store, tmp_path, weights, monkeypatch):
    monkeypatch.setattr("ftn_core.training.loop.SAVE_SECONDS", 0)
    monkeypatch.setattr("ftn_core.training.loop.LOOK_SECONDS", 0)
    store = make_store("train")
    picture = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    objective = Style(
        weights, picture, content=1.0, content_layer="relu1_2", style=1.0, style_layers=["relu1_2"],
        total_variation=0.0,
    )  # fmt: skip
    fabric = make_fabric(1, "bf16-mixed")

    def run(folder, stop=-1):
        torch.manual_seed(0)
        network = build_network("transform_net", 8, 1)
        batches = Batches(
            store, None, sigma=1e-3, clip=False, batch_size=2, crop=32, permute_channels=True, seed=0,
            device=fabric.device,
        )  # fmt: skip

        def until_stop(step):
            if step == stop:
                raise StoppedError
            return batches(step)

        return network, fit(
            network, objective, until_stop,
            lambda module: validation_score(module, objective, store, store, 2, fabric.device), fabric=fabric,
            options=TRAIN, train=TRAIN, state_file=tmp_path / folder, label="test",
        )  # fmt: skip

    network, rows = run("a")
    assert rows[-1]["loss"] < 0.7 * rows[0]["loss"]
    assert rows[-1]["val_score"] > rows[0]["val_score"] + 0.5
    with pytest.raises(StoppedError):
        run("b", stop=27)
    again, rows_again = run("b")
    assert rows_again == rows
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in network.state_dict().items())


@on_cuda
def test_a_step_is_captured_with_its_objective(make_store, tmp_path, weights, monkeypatch):
    picture = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    options = {"content": 1.0, "content_layer": "relu1_2", "style": 1.0, "style_layers": ["relu1_2", "relu2_2"]}
    store, curves = make_store("train"), []
    for eager in (False, True):
        if eager:
            monkeypatch.setattr("ftn_core.training.loop.GraphedStep", lambda step: step)
        torch.manual_seed(0)
        fabric = make_fabric(1, "bf16-mixed")
        objective = Style(weights, picture, label="noise", total_variation=0.1, **options)
        batches = Batches(
            store, None, sigma=1e-3, clip=False, batch_size=2, crop=32, permute_channels=True, seed=0,
            device=fabric.device,
        )  # fmt: skip
        rows = fit(
            build_network("transform_net", 8, 1), objective, batches, lambda module: 0.0, fabric=fabric,
            options=TRAIN, train=TRAIN, state_file=tmp_path / "state", label="test",
        )  # fmt: skip
        curves.append([row["loss"] for row in rows])
    assert curves[0] == pytest.approx(curves[1], rel=0.05)
