import pytest
import torch
from member import train_in_processes

from ftn_core.parameters import PerceptualLoss, Schedule, Train
from ftn_core.runtime.checkpoint import read_tensors
from ftn_core.runtime.images import restore, to_image
from ftn_core.runtime.network_file import build_network
from ftn_core.runtime.psnr import psnr
from ftn_core.sources.pack_loss import pack_loss
from ftn_core.training.processes import synchronise_norms
from ftn_core.utils.errors import UserError

TRAIN = Train(
    steps=150, lr=0.003, batch_size=6, devices=1, crop=32, loss={"name": "l1"}, noise="fresh", permute_channels=True,
    schedule=Schedule(name="cosine", warmup_steps=0, milestones=[]), precision="32-true", validations=3, val_images=1,
)  # fmt: skip


def devices(count: int) -> Train:
    return TRAIN.model_copy(update={"devices": count})


def done(folder, rank: int):
    """The weights of a process at the end, and its curve."""
    weights, header = read_tensors(folder / f"done-{rank}")
    return weights, header["rows"]


def test_one_network_whatever_the_number_of_processes(make_store, tmp_path):
    """One, two, and one that is stopped and goes on as two, and those as three: the same batches of six."""
    make_store("train")
    folders = one, two, changing = [tmp_path / name for name in ("one", "two", "changing")]
    train_in_processes(one, TRAIN)
    train_in_processes(two, devices(2))
    assert (two / "output-1").read_text() == ""
    assert [line for line in (two / "output-0").read_text().splitlines() if line.startswith("row")] == [
        "row 50", "row 100", "row 150",
    ]  # fmt: skip
    (weights, rows), (other_weights, other_rows) = (done(two, rank) for rank in (0, 1))
    assert all(torch.equal(value, other_weights[name]) for name, value in weights.items())
    assert rows == other_rows
    assert {row["val_score"] for row in rows} == {20}  # the first process validates

    train_in_processes(changing, TRAIN, stop=60)
    train_in_processes(changing, devices(2), stop=110)
    assert "goes on from step 60" in (changing / "output-0").read_text()
    assert read_tensors(changing / "state")[1]["step"] == 110
    train_in_processes(changing, devices(3))
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
    synchronise_norms(network, Several())


def test_batch_norm_is_synchronised_on_gpus():
    fabric = Several()
    fabric.device = torch.device("cuda")
    network = build_network("dncnn", 8, 3)
    names = list(network.state_dict())
    synchronise_norms(network, fabric)
    assert list(network.state_dict()) == names
    kinds = {type(module) for module in network.modules()}
    assert torch.nn.SyncBatchNorm in kinds and torch.nn.BatchNorm2d not in kinds


def test_a_perceptual_objective_sees_the_same_batches_in_two_processes(make_store, tmp_path):
    make_store("train")
    loss = PerceptualLoss(name="perceptual", feature=1.0, layers=["relu1_2"], pixel=0.1, total_variation=0.0)
    pack_loss(tmp_path / "objective", loss, weights="stlpips", styles=tmp_path)
    train = TRAIN.model_copy(update={"steps": 12})
    losses = []
    for count in (1, 2):
        folder = tmp_path / str(count)
        train_in_processes(folder, train.model_copy(update={"devices": count}), objective=tmp_path / "objective")
        losses.append([row["loss"] for row in done(folder, 0)[1]])
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
