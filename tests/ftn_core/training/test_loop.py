import math
import os
import resource
import signal
import subprocess
import textwrap
import time
from dataclasses import replace

import pytest
import torch
from forked_python import forked_python
from gpu import on_cuda
from project import ROOT

from ftn_core.losses.pixel import Pixel
from ftn_core.parameters.training import Schedule
from ftn_core.runtime.checkpoint import read_tensors
from ftn_core.runtime.images import restore
from ftn_core.runtime.network_file import build_network
from ftn_core.runtime.psnr import psnr
from ftn_core.training.batches import Batches, FreshNoise
from ftn_core.training.cuda_graph import GraphedStep
from ftn_core.training.fabric import make_fabric
from ftn_core.training.loop import Run, fit
from ftn_core.training.plan import Plan
from ftn_core.utils.errors import UserError

PLAN = Plan(
    steps=40, lr=0.003, batch_size=4, crop=16, validations=2,
    schedule=Schedule(name="cosine", warmup_steps=0, milestones=[]),
)  # fmt: skip


def run(make_store, tmp_path, network=None, precision="32-true", record=lambda values, step: None, **plan):
    """Trains on pictures with noise of sigma 0.2: the network, its curve and the batches."""
    torch.manual_seed(0)
    network = network or build_network("unshuffle_net", 8, 2)
    plan = replace(PLAN, **plan)
    fabric = make_fabric(1, precision)
    batches = Batches(
        make_store("train"), FreshNoise(0.2, clip=False), batch_size=plan.batch_size, crop=plan.crop,
        permute_channels=True, seed=0, device=fabric.device,
    )  # fmt: skip
    rows = fit(
        network, Pixel("l1"), batches, lambda network: 0.0, plan, Run("test", tmp_path / "state", record), fabric
    )
    return network, rows, batches


def test_it_learns(make_store, tmp_path):
    _, rows, _ = run(make_store, tmp_path, steps=150, validations=5)
    assert [row["step"] for row in rows] == [30, 60, 90, 120, 150]
    assert rows[-1]["loss"] < 0.75 * 0.2 * math.sqrt(2 / math.pi)  # the noise has that mean absolute value
    assert not (tmp_path / "state").exists()


def test_the_same_seed_gives_the_same_weights(make_store, tmp_path):
    a, b = (run(make_store, tmp_path)[0] for _ in range(2))
    for name, value in a.state_dict().items():
        assert torch.equal(value, b.state_dict()[name])


class StoppedError(Exception):
    pass


@pytest.mark.parametrize(
    ("name", "optimizer"), [("unshuffle_net", "adam"), ("resnet", "adam"), ("unshuffle_net", "muon")]
)
def test_interrupted_and_started_again_it_equals_the_uninterrupted_run(
    make_store, tmp_path, monkeypatch, name, optimizer
):
    monkeypatch.setattr("ftn_core.training.loop.SAVE_SECONDS", 0)
    monkeypatch.setattr("ftn_core.training.loop.CHECK_SECONDS", 0)

    def network():
        torch.manual_seed(3)
        return build_network(name, 8 if optimizer == "adam" else 16, 5)

    whole, rows, _ = run(make_store, tmp_path / "a", network(), optimizer=optimizer)
    steps = iter(range(1000))
    original = Batches.__call__

    def stop_at_27(self, step):
        if next(steps) == 27:
            raise StoppedError
        return original(self, step)

    with monkeypatch.context() as patch:
        patch.setattr(Batches, "__call__", stop_at_27)
        with pytest.raises(StoppedError):
            run(make_store, tmp_path / "b", network(), optimizer=optimizer)
    assert (tmp_path / "b/state").exists()
    fresh = network()  # what a new process would start from
    resumed, resumed_rows, _ = run(make_store, tmp_path / "b", fresh, optimizer=optimizer)
    assert resumed_rows == rows
    for key, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[key]), key


def test_a_full_disk_ends_no_training_and_is_said_once(make_store, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("ftn_core.training.loop.SAVE_SECONDS", 0)
    monkeypatch.setattr("ftn_core.training.loop.CHECK_SECONDS", 0)
    _, rows, _ = run(make_store, tmp_path / "a")
    capsys.readouterr()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_disk(values, step):
        assert (tmp_path / "b/state").exists()
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))

    try:
        _, again, _ = run(make_store, tmp_path / "b", record=fill_disk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{tmp_path / 'b/state'} cannot be written: " in line and "File too large" in line
    assert again == rows and list((tmp_path / "b").iterdir()) == []


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on(tmp_path, make_store):
    """SIGKILL a real process again and again; the weights equal those of one that was left alone."""
    make_store("train")
    script = textwrap.dedent("""
        import sys, torch
        from pathlib import Path
        from ftn_core.training import loop
        from ftn_core.runtime.checkpoint import write_tensors
        from ftn_core.training.batches import Batches, FreshNoise
        from ftn_core.training.plan import Plan
        from ftn_core.data.store import Store
        from ftn_core.training.fabric import make_fabric
        from ftn_core.runtime.network_file import build_network
        from ftn_core.losses.pixel import Pixel
        from ftn_core.parameters.training import Schedule
        loop.SAVE_SECONDS = loop.CHECK_SECONDS = 0.05
        folder = Path(sys.argv[1])
        schedule = Schedule(name="cosine", warmup_steps=9, milestones=[])
        plan = Plan(steps=300, lr=0.003, batch_size=4, crop=32, schedule=schedule, validations=3)
        fabric = make_fabric(1)
        torch.manual_seed(0)
        network = build_network("unshuffle_net", 8, 2)
        batches = Batches(Store(folder.parent / "train"), FreshNoise(0.2, clip=False), batch_size=4, crop=32, seed=0,
                          permute_channels=True, device=fabric.device)
        run = loop.Run("victim", folder / "state")
        loop.fit(network, Pixel("l1"), batches, lambda n: 0.0, plan, run, fabric)
        write_tensors(folder / "done", network.state_dict(), {})
    """)

    def start(folder):
        return subprocess.Popen(
            [forked_python(), "-c", script, str(tmp_path / folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
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
    monkeypatch.setattr("ftn_core.training.loop.CHECK_SECONDS", 0)
    original = Batches.__call__

    def poisoned(self, step):
        noisy, clean = original(self, step)
        return (noisy * math.nan if step == 20 else noisy), clean

    monkeypatch.setattr(Batches, "__call__", poisoned)
    with pytest.raises(UserError, match=r"before step 21: lower its lr \(0\.003\)"):
        run(make_store, tmp_path)
    tensors, header = read_tensors(tmp_path / "state")
    assert header["step"] == 20
    assert all(t.isfinite().all() for t in tensors.values())


def test_mixed_precision_trains_in_full_precision_weights(make_store, tmp_path):
    network, rows, _ = run(make_store, tmp_path, steps=6, precision="bf16-mixed")
    assert all(parameter.dtype == torch.float32 for parameter in network.parameters())
    assert math.isfinite(rows[-1]["loss"])


@pytest.mark.slow
def test_bf16_ends_within_a_twentieth_of_a_decibel_of_float32(make_store, tmp_path):
    clean, psnrs = make_store("clean", seed=5), {}
    noisy = torch.stack([torch.from_numpy(image.copy()) for image in clean]).float() / 255
    noisy += 0.2 * torch.randn(noisy.shape, generator=torch.Generator().manual_seed(0))
    for precision in ("32-true", "bf16-mixed"):
        network, _, _ = run(make_store, tmp_path, steps=300, precision=precision)
        target = torch.stack([torch.from_numpy(image.copy()) for image in clean]).float() / 255
        psnrs[precision] = psnr(restore(network, noisy), target)
    assert psnrs["32-true"] > psnr(noisy, target) + 3
    assert abs(psnrs["bf16-mixed"] - psnrs["32-true"]) < 0.05


def test_speed_is_recorded_with_every_row(make_store, tmp_path):
    recorded = []
    _, rows, _ = run(make_store, tmp_path, steps=20, record=lambda values, step: recorded.append((step, values)))
    assert [step for step, _ in recorded] == [10, 10, 20, 20]
    for (_, speed), (step, values), row in zip(recorded[::2], recorded[1::2], rows, strict=True):
        assert speed["speed/images_per_s"] > 0 and 0 < speed["speed/waiting_share"] < 1
        assert values | {"step": step} == row and set(values) == {"loss", "val_score", "lr"}


def test_a_training_that_goes_on_records_the_rows_before_anew(make_store, tmp_path, monkeypatch):
    # a tracker may have lost them together with the process
    monkeypatch.setattr("ftn_core.training.loop.SAVE_SECONDS", 0)
    monkeypatch.setattr("ftn_core.training.loop.CHECK_SECONDS", 0)
    recorded = []

    def stop_at_6(values, step):
        recorded.append(step)
        if step == 6:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(make_store, tmp_path, steps=8, validations=4, record=stop_at_6)
    recorded.clear()
    run(make_store, tmp_path, steps=8, validations=4, record=lambda values, step: recorded.append(step))
    assert recorded == [2, 4, 6, 6, 8, 8]


@on_cuda
def test_it_learns_on_cuda(make_store, tmp_path):
    _, rows, _ = run(make_store, tmp_path, steps=150, validations=5)
    assert rows[-1]["loss"] < rows[0]["loss"]


@on_cuda
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_captured_steps_are_the_steps(make_store, tmp_path, monkeypatch, precision):
    captured, rows, _ = run(make_store, tmp_path, precision=precision)
    monkeypatch.setattr("ftn_core.training.loop.GraphedStep", lambda step: step)
    eager, expected, _ = run(make_store, tmp_path, precision=precision)
    assert [row["lr"] for row in rows] == [row["lr"] for row in expected]
    assert rows[-1]["loss"] == pytest.approx(expected[-1]["loss"], rel=0.02)
    for name, value in captured.state_dict().items():
        torch.testing.assert_close(value, eager.state_dict()[name], atol=5e-3, rtol=0.05)


@on_cuda
def test_a_step_waits_for_nothing(make_store):
    device = torch.device("cuda")
    batches = Batches(
        make_store("a"),
        FreshNoise(0.2, clip=False),
        batch_size=4,
        crop=16,
        permute_channels=True,
        seed=0,
        device=device,
    )
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
