import math
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
import torch
from gpu import on_cuda
from project import ROOT

from ftn_core.denoiser.transition import build_transition
from ftn_core.losses.pixel import Pixel
from ftn_core.parameters import Optimisation, Schedule, Train
from ftn_core.runtime.device import make_fabric
from ftn_core.runtime.images import restore
from ftn_core.runtime.network_file import build_network
from ftn_core.runtime.psnr import psnr
from ftn_core.training.adapted import AdaptedNetwork, estimate_statistics
from ftn_core.training.batches import Batches
from ftn_core.training.cuda_graph import GraphedStep
from ftn_core.training.loop import fit, learning_rate
from ftn_core.utils.errors import UserError

COSINE = Schedule(name="cosine", warmup_steps=0, milestones=[])


def options(**changes) -> Train:
    values = {
        "steps": 40, "lr": 0.003, "batch_size": 4, "devices": 1, "crop": 16, "loss": {"name": "l1"}, "schedule": COSINE,
        "noise": "fresh", "permute_channels": True, "precision": "32-true", "validations": 2, "val_images": 2,
    }  # fmt: skip
    return Train(**(values | changes))


def run(
    make_store,
    tmp_path,
    network=None,
    train=None,
    validate=lambda network: 0.0,
    sigma=0.2,
    on_speed=print,
    objective=None,
):
    torch.manual_seed(0)
    network = network or build_network("unshuffle_net", 8, 2)
    train = train or options()
    fabric = make_fabric(2, train.precision)
    batches = Batches(
        make_store("train"), None, sigma=sigma, clip=False, batch_size=train.batch_size, crop=train.crop,
        permute_channels=True, seed=0, device=fabric.device,
    )  # fmt: skip
    rows = fit(
        network, objective or Pixel("l1"), batches, validate, fabric=fabric, options=train, train=train,
        state_file=tmp_path / "state", label="test", on_speed=on_speed,
    )  # fmt: skip
    return network, rows, batches


def test_it_learns(make_store, tmp_path):
    _, rows, _ = run(make_store, tmp_path, train=options(steps=150, validations=5))
    assert [row["step"] for row in rows] == [30, 60, 90, 120, 150]
    assert rows[-1]["loss"] < 0.75 * 0.2 * math.sqrt(2 / math.pi)  # the noise has that mean absolute value
    assert not (tmp_path / "state").exists()


def test_the_same_seed_gives_the_same_weights(make_store, tmp_path):
    a, b = (run(make_store, tmp_path)[0] for _ in range(2))
    for name, value in a.state_dict().items():
        assert torch.equal(value, b.state_dict()[name])


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("name", ["unshuffle_net", "resnet"])
def test_interrupted_and_started_again_it_equals_the_uninterrupted_run(make_store, tmp_path, monkeypatch, name):
    monkeypatch.setattr("ftn_core.training.loop.SAVE_SECONDS", 0)
    monkeypatch.setattr("ftn_core.training.loop.LOOK_SECONDS", 0)

    def network():
        torch.manual_seed(3)
        return build_network(name, 8, 5)

    whole, rows, _ = run(make_store, tmp_path / "a", network())
    steps = iter(range(1000))
    original = Batches.__call__

    def stop_at_27(self, step):
        if next(steps) == 27:
            raise StoppedError
        return original(self, step)

    with monkeypatch.context() as patch:
        patch.setattr(Batches, "__call__", stop_at_27)
        with pytest.raises(StoppedError):
            run(make_store, tmp_path / "b", network())
    assert (tmp_path / "b/state").exists()
    fresh = network()  # what a new process would start from
    resumed, resumed_rows, _ = run(make_store, tmp_path / "b", fresh)
    assert resumed_rows == rows
    for key, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[key]), key


def test_killed_at_any_moment_it_goes_on(tmp_path, make_store):
    """SIGKILL a real process again and again; the weights equal those of one that was left alone."""
    make_store("train")
    script = textwrap.dedent("""
        import sys, torch
        from pathlib import Path
        from ftn_core.training import loop
        from ftn_core.runtime.checkpoint import write_tensors
        from ftn_core.training.batches import Batches
        from ftn_core.data.store import Store
        from ftn_core.runtime.device import make_fabric
        from ftn_core.runtime.network_file import build_network
        from ftn_core.losses.pixel import Pixel
        from ftn_core.parameters import Schedule, Train
        loop.SAVE_SECONDS = loop.LOOK_SECONDS = 0.05
        folder = Path(sys.argv[1])
        train = Train(steps=300, lr=0.003, batch_size=4, devices=1, crop=32, loss={"name": "l1"}, noise="fresh",
                      permute_channels=True, precision="32-true",
                      schedule=Schedule(name="cosine", warmup_steps=9, milestones=[]), validations=3, val_images=1)
        fabric = make_fabric(2)
        torch.manual_seed(0)
        network = build_network("unshuffle_net", 8, 2)
        batches = Batches(Store(folder.parent / "train"), None, sigma=0.2, clip=False, batch_size=4, crop=32, seed=0,
                          permute_channels=True,
                          device=fabric.device)
        loop.fit(network, Pixel("l1"), batches, lambda n: 0.0, fabric=fabric, options=train, train=train,
                     state_file=folder / "state", label="victim")
        write_tensors(folder / "done", network.state_dict(), {})
    """)

    def start(folder):
        return subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )

    assert start("alone").wait() == 0
    kills = 0
    for delay in (0.3, 0.6, 0.1):
        process = start("killed")
        # wait until it trains, then kill it a moment later, wherever it is
        deadline = time.monotonic() + 60
        before = state_time(tmp_path / "killed/state")
        while process.poll() is None and state_time(tmp_path / "killed/state") == before:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(delay)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
    assert kills >= 1
    final = start("killed")
    assert final.wait() == 0
    assert (tmp_path / "killed/done").read_bytes() == (tmp_path / "alone/done").read_bytes()


def state_time(path):
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def test_nan_stops_with_a_message_and_keeps_the_last_good_state(make_store, tmp_path, monkeypatch):
    monkeypatch.setattr("ftn_core.training.loop.SAVE_SECONDS", 0)
    monkeypatch.setattr("ftn_core.training.loop.LOOK_SECONDS", 0)
    original = Batches.__call__

    def poisoned(self, step):
        noisy, clean = original(self, step)
        return (noisy * math.nan if step == 20 else noisy), clean

    monkeypatch.setattr(Batches, "__call__", poisoned)
    with pytest.raises(UserError, match=r"before step 21: lower its lr \(0\.003\)"):
        run(make_store, tmp_path)
    from ftn_core.runtime.checkpoint import read_tensors

    tensors, header = read_tensors(tmp_path / "state")
    assert header["step"] == 20
    assert all(t.isfinite().all() for t in tensors.values())


def test_the_rate_follows_its_schedule():
    o = Optimisation(steps=100, lr=1.0, batch_size=1, crop=16)
    cosine = [learning_rate(s, o, COSINE) for s in range(100)]
    assert cosine[0] == 1 and cosine[50] == pytest.approx(0.5) and cosine[99] < 0.001
    warm = Schedule(name="cosine", warmup_steps=9, milestones=[])
    assert learning_rate(0, o, warm) == pytest.approx(0.1)
    step = Schedule(name="step", warmup_steps=0, milestones=[0.5, 0.75])
    assert [learning_rate(s, o, step) for s in (49, 50, 75)] == pytest.approx([1, 0.1, 0.01])


@pytest.mark.parametrize("name", ["unshuffle_net", "resnet"])
def test_finetuning_leaves_the_base_alone_and_learns(make_store, tmp_path, name):
    torch.manual_seed(0)
    base = build_network(name, 8, 5)
    run(make_store, tmp_path, base, options(steps=100))
    before = {n: v.clone() for n, v in base.state_dict().items()}
    transition = build_transition("ftn", base, 2.5, groups=1)
    network = AdaptedNetwork(base, transition, (0.2, 0.5))
    x = torch.rand(2, 3, 16, 16)
    assert torch.equal(network.eval()(x), base.eval()(x))
    run(make_store, tmp_path, network, options(steps=30), sigma=0.5)
    for n, v in base.state_dict().items():
        assert torch.equal(v, before[n]), n
    for n, p in network.base.named_parameters():
        assert torch.equal(p, before[n]), n
    assert any(not torch.equal(v, before[n]) for n, v in transition(dict(base.named_parameters())).items())


def test_batch_norm_statistics_are_those_of_the_level(make_store, tmp_path):
    base = build_network("resnet", 8, 5)
    network = AdaptedNetwork(base, build_transition("ftn", base, 2.5, groups=1), (0.2, 0.5))
    _, _, batches = run(make_store, tmp_path, network, options(steps=5), sigma=0.5)
    statistics = estimate_statistics(network, batches, 4)
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
    base = build_network("unshuffle_net", 8, 2)
    assert (
        estimate_statistics(AdaptedNetwork(base, build_transition("ftn", base, 2.5, groups=1), (0.2, 0.5)), None, 3)
        == {}
    )


def test_mixed_precision_trains_in_full_precision_weights(make_store, tmp_path):
    network, rows, _ = run(make_store, tmp_path, train=options(steps=6, precision="bf16-mixed"))
    assert all(parameter.dtype == torch.float32 for parameter in network.parameters())
    assert math.isfinite(rows[-1]["loss"])


def test_bf16_ends_within_a_twentieth_of_a_decibel_of_float32(make_store, tmp_path):
    clean, psnrs = make_store("clean", seed=5), {}
    noisy = torch.stack([torch.from_numpy(image.copy()) for image in clean]).float() / 255
    noisy += 0.2 * torch.randn(noisy.shape, generator=torch.Generator().manual_seed(0))
    for precision in ("32-true", "bf16-mixed"):
        network, _, _ = run(make_store, tmp_path, train=options(steps=300, precision=precision))
        target = torch.stack([torch.from_numpy(image.copy()) for image in clean]).float() / 255
        psnrs[precision] = psnr(restore(network, noisy), target)
    assert psnrs["32-true"] > psnr(noisy, target) + 3
    assert abs(psnrs["bf16-mixed"] - psnrs["32-true"]) < 0.05


def test_speed_is_reported_with_every_row(make_store, tmp_path):
    heard = []
    run(make_store, tmp_path, train=options(steps=20), on_speed=lambda speed, step: heard.append((step, speed)))
    assert [step for step, _ in heard] == [10, 20]
    for _, speed in heard:
        assert speed["images_per_s"] > 0 and 0 < speed["waiting_share"] < 1


@on_cuda
def test_it_learns_on_cuda(make_store, tmp_path):
    _, rows, _ = run(make_store, tmp_path, train=options(steps=150, validations=5))
    assert rows[-1]["loss"] < rows[0]["loss"]


@on_cuda
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_captured_steps_are_the_steps(make_store, tmp_path, monkeypatch, precision):
    train = options(steps=40, precision=precision)
    captured, rows, _ = run(make_store, tmp_path, train=train)
    monkeypatch.setattr("ftn_core.training.loop.GraphedStep", lambda step: step)
    eager, expected, _ = run(make_store, tmp_path, train=train)
    assert [row["lr"] for row in rows] == [row["lr"] for row in expected]
    assert rows[-1]["loss"] == pytest.approx(expected[-1]["loss"], rel=0.02)
    for name, value in captured.state_dict().items():
        torch.testing.assert_close(value, eager.state_dict()[name], atol=5e-3, rtol=0.05)


@on_cuda
def test_a_step_waits_for_nothing(make_store):
    device = torch.device("cuda")
    batches = Batches(
        make_store("a"), None, sigma=0.2, clip=False, batch_size=4, crop=16, permute_channels=True, seed=0,
        device=device,
    )  # fmt: skip
    weight = torch.ones(1, device=device)
    step = GraphedStep(lambda noisy, clean: weight.mul_(0.9) * (noisy - clean).abs().mean())
    for i in range(5):
        step(*batches(i))
    torch.cuda.set_sync_debug_mode("error")
    try:
        for i in range(5, 10):
            loss = step(*batches(i))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert float(weight) == pytest.approx(0.9**10)
    assert float(loss) > 0
