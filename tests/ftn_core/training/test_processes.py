from dataclasses import replace

import pytest
import torch
from member import train_in_processes

from ftn_core.parameters.losses import PerceptualLossOptions
from ftn_core.parameters.training import Schedule
from ftn_core.runtime.checkpoint import read_tensors
from ftn_core.runtime.images import restore, to_image
from ftn_core.runtime.network_file import build_network
from ftn_core.runtime.psnr import psnr
from ftn_core.sources.pack_loss import pack_loss
from ftn_core.training.plan import Plan
from ftn_core.training.processes import on_rank_zero, synchronise_norms
from ftn_core.utils.errors import UserError

PLAN = Plan(
    steps=150, lr=0.003, batch_size=6, crop=32, validations=3,
    schedule=Schedule(name="cosine", warmup_steps=0, milestones=[]),
)  # fmt: skip


def done(folder, rank: int):
    """The weights of a process at the end, and its curve."""
    weights, header = read_tensors(folder / f"done-{rank}")
    return weights, header["rows"]


@pytest.mark.slow
def test_one_network_whatever_the_number_of_processes(make_store, tmp_path):
    """One, two, and one that is stopped and goes on as two, and those as three: the same batches of six."""
    make_store("train")
    folders = one, two, changing = [tmp_path / name for name in ("one", "two", "changing")]
    train_in_processes(one, PLAN, devices=1)
    train_in_processes(two, PLAN, devices=2)
    assert (two / "output-1").read_text() == ""
    assert [line for line in (two / "output-0").read_text().splitlines() if line.startswith("row")] == [
        "row 50", "row 100", "row 150",
    ]  # fmt: skip
    (weights, rows), (other_weights, other_rows) = (done(two, rank) for rank in (0, 1))
    assert all(torch.equal(value, other_weights[name]) for name, value in weights.items())
    assert rows == other_rows
    assert {row["val_score"] for row in rows} == {20}  # the first process validates

    train_in_processes(changing, PLAN, devices=1, stop=60)
    train_in_processes(changing, PLAN, devices=2, stop=110)
    assert "goes on from step 60" in (changing / "output-0").read_text()
    assert read_tensors(changing / "state")[1]["step"] == 110
    train_in_processes(changing, PLAN, devices=3)
    assert "goes on from step 110" in (changing / "output-0").read_text()

    losses = [[row["loss"] for row in done(folder, 0)[1]] for folder in folders]  # of the whole batches
    assert losses[1] == pytest.approx(losses[0], rel=5e-3) and losses[2] == pytest.approx(losses[0], rel=5e-3)
    assert not any((folder / "state").exists() for folder in folders)
    scores = [score(make_store, done(folder, 0)[0]) for folder in folders]
    print(f"noisy {score(make_store, None):.3f} dB; one, two, changing: {scores}")
    assert min(scores) > score(make_store, None) + 2
    assert abs(scores[1] - scores[0]) < 0.05 and abs(scores[2] - scores[0]) < 0.05


def score(make_store, weights) -> float:
    """PSNR in dB of a network, or of the noisy input itself, on pictures that nothing was trained on."""
    cpu = torch.device("cpu")
    clean = torch.cat([to_image(image, cpu) for image in make_store("clean", seed=5)])
    noisy = clean + 0.2 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    if weights is None:
        return psnr(noisy, clean)
    network = build_network("unshuffle_net", 8, 2)
    network.load_state_dict(weights)
    return psnr(restore(network.eval(), noisy), clean)


class Several:
    """As much of Fabric as is asked."""

    world_size = 2
    device = torch.device("cpu")


def test_batch_norm_on_several_cpus_is_refused():
    with pytest.raises(UserError, match=r"train\.devices = 2 on a CPU .* batch norm.* set train\.devices to 1"):
        synchronise_norms(build_network("resnet", 8, 5), Several())
    network = build_network("unshuffle_net", 8, 1)
    kinds = [type(module) for module in network.modules()]
    synchronise_norms(network, Several())
    assert [type(module) for module in network.modules()] == kinds


def test_batch_norm_is_synchronised_on_gpus():
    fabric = Several()
    fabric.device = torch.device("cuda")
    network = build_network("dncnn", 8, 3)
    names = list(network.state_dict())
    synchronise_norms(network, fabric)
    assert list(network.state_dict()) == names
    kinds = {type(module) for module in network.modules()}
    assert torch.nn.SyncBatchNorm in kinds and torch.nn.BatchNorm2d not in kinds


def test_what_a_user_must_read_reaches_every_process():
    """What the first process could not do the others cannot either; none is left waiting for it."""

    class Rank(Several):
        is_global_zero = True
        sent = None

        def broadcast(self, outcome):
            Rank.sent = outcome if self.is_global_zero else Rank.sent
            return Rank.sent

    def fail():
        raise UserError("lower it")

    first, second = Rank(), Rank()
    second.is_global_zero = False
    assert on_rank_zero(first, lambda: 5) == on_rank_zero(second, fail) == 5
    for process in (first, second):
        with pytest.raises(UserError, match="lower it"):
            on_rank_zero(process, fail if process is first else lambda: 5)


def test_a_perceptual_loss_sees_the_same_batches_in_two_processes(make_store, tmp_path):
    make_store("train")
    loss = PerceptualLossOptions(name="perceptual", feature=1.0, layers=["relu1_2"], pixel=0.1, total_variation=0.0)
    pack_loss(tmp_path / "loss", loss, weights="stlpips", features=tmp_path, styles=tmp_path)
    losses = []
    for count in (1, 2):
        folder = tmp_path / str(count)
        train_in_processes(folder, replace(PLAN, steps=12), devices=count, loss=tmp_path / "loss")
        losses.append([row["loss"] for row in done(folder, 0)[1]])
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_a_line_is_the_same_whatever_the_number_of_processes(make_store, tmp_path):
    """Every process has a share of each of the levels."""
    make_store("train")
    for count in (1, 2):
        train_in_processes(tmp_path / str(count), replace(PLAN, steps=12, batch_size=8), devices=count, levels=4)
    (one, rows), (two, other_rows) = (done(tmp_path / str(count), 0) for count in (1, 2))
    assert [row["loss"] for row in other_rows] == pytest.approx([row["loss"] for row in rows], rel=1e-3)
    moved = [name for name in one if name.startswith("direction") and one[name].any()]
    assert moved
    for name in moved:
        torch.testing.assert_close(two[name], one[name], atol=1e-3, rtol=1e-2)
