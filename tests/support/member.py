"""Trains one network in several real processes, forked from a server that has imported everything once."""

import contextlib
import multiprocessing
import os
import sys
from multiprocessing import forkserver
from pathlib import Path
from unittest import mock

import torch
from ports import free_ports

from ftn_core.data.store import Store
from ftn_core.losses.load import load_loss
from ftn_core.losses.pixel import Pixel
from ftn_core.runtime.checkpoint import write_tensors
from ftn_core.runtime.network_file import build_network
from ftn_core.training import loop
from ftn_core.training.batches import Batches, Degraded, FreshNoise, FreshNoiseRange
from ftn_core.training.fabric import make_fabric
from ftn_core.training.line import LineNetwork
from ftn_core.training.plan import Plan

STOPPED = 7


def train_in_processes(
    folder: Path, plan: Plan, devices: int, stop: int = -1, loss: Path | None = None, levels: int = 0
) -> None:
    """Train on the photographs beside the folder, to the end or to the step at which all processes stop.

    With ``levels`` it is a line that is trained, with so many levels in every step.

    Each leaves its output, ``output-RANK``, and at the end its weights and curve, ``done-RANK``, in the folder.
    """
    folder.mkdir(exist_ok=True)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["member"])
    with mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):  # else the server does not find it
        forkserver.ensure_running()
    [port] = free_ports(1)
    processes = [
        context.Process(target=_train, args=(rank, devices, port, folder, plan, stop, loss, levels))
        for rank in range(devices)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0 if stop < 0 else STOPPED] * devices


def _train(
    rank: int, devices: int, port: int, folder: Path, plan: Plan, stop: int, loss_file: Path | None, levels: int
) -> None:
    os.environ |= {  # as torch's launcher sets it
        "TORCHELASTIC_RUN_ID": "test", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank),
        "LOCAL_RANK": str(rank), "WORLD_SIZE": str(devices), "LOCAL_WORLD_SIZE": str(devices), "GROUP_WORLD_SIZE": "1",
        "GLOO_SOCKET_IFNAME": "lo",
    }  # fmt: skip
    loop.SAVE_SECONDS = loop.CHECK_SECONDS = 0
    fabric = make_fabric(2, "32-true", devices)
    assert torch.get_num_threads() == max(1, 2 // devices)
    torch.manual_seed(rank)  # the first one's weights count
    network = build_network("unshuffle_net", 8, 2)
    noise: Degraded = FreshNoise(0.2, clip=False)
    if levels:
        network, noise = LineNetwork(network, (0.1, 0.3), levels), FreshNoiseRange(0.1, 0.3, clip=False, draws=levels)
    batches = Batches(
        Store(folder.parent / "train"), noise, batch_size=plan.batch_size, crop=plan.crop,
        permute_channels=True, seed=0, device=fabric.device, share=(rank, devices),
    )  # fmt: skip

    def until_stop(step: int) -> tuple[torch.Tensor, ...]:
        if step == stop:
            sys.exit(STOPPED)
        return batches(step)

    def record(values: dict[str, float], step: int) -> None:
        if "loss" in values:
            print("row", step)

    loss = load_loss(loss_file) if loss_file else Pixel("l1")
    run = loop.Run("test", folder / "state", record)
    with (folder / f"output-{rank}").open("w") as printed, contextlib.redirect_stdout(printed):
        rows = loop.fit(network, loss, until_stop, lambda network: 20.0 + rank, plan, run, fabric)
    write_tensors(folder / f"done-{rank}", network.state_dict(), {"rows": rows})
