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
from ftn_core.parameters import Train
from ftn_core.runtime.checkpoint import write_tensors
from ftn_core.runtime.device import make_fabric
from ftn_core.runtime.network_file import build_network
from ftn_core.training import loop
from ftn_core.training.batches import Batches

STOPPED = 7


def train_in_processes(folder: Path, train: Train, stop: int = -1, objective: Path | None = None) -> None:
    """Train on the photographs beside the folder, to the end or to the step ``stop``, at which all processes exit.

    Each process writes its output to ``output-RANK`` in the folder, and at the end weights and curve to ``done-RANK``.
    """
    folder.mkdir(exist_ok=True)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["member"])
    with mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):  # so that the server finds this module
        forkserver.ensure_running()
    [port] = free_ports(1)
    processes = [
        context.Process(target=_train, args=(rank, port, folder, train, stop, objective))
        for rank in range(train.devices)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0 if stop < 0 else STOPPED] * train.devices


def _train(rank: int, port: int, folder: Path, train: Train, stop: int, objective: Path | None) -> None:
    count = str(train.devices)
    os.environ |= {  # as torch's launcher sets them
        "TORCHELASTIC_RUN_ID": "test", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank),
        "LOCAL_RANK": str(rank), "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count, "GROUP_WORLD_SIZE": "1",
        "GLOO_SOCKET_IFNAME": "lo",
    }  # fmt: skip
    loop.SAVE_SECONDS = loop.LOOK_SECONDS = 0
    fabric = make_fabric(2, train.precision, train.devices)
    assert torch.get_num_threads() == max(1, 2 // train.devices)
    torch.manual_seed(rank)  # the weights of rank 0 are used
    network = build_network("unshuffle_net", 8, 2)
    batches = Batches(
        Store(folder.parent / "train"), None, sigma=0.2, clip=False, batch_size=train.batch_size, crop=train.crop,
        permute_channels=True, seed=0, device=fabric.device, share=(rank, train.devices),
    )  # fmt: skip

    def until_stop(step: int) -> tuple[torch.Tensor, ...]:
        if step == stop:
            sys.exit(STOPPED)
        return batches(step)

    aim = load_loss(objective) if objective else Pixel("l1")
    with (folder / f"output-{rank}").open("w") as output, contextlib.redirect_stdout(output):
        rows = loop.fit(
            network, aim, until_stop, lambda network: 20.0 + rank, fabric=fabric, options=train, train=train,
            state_file=folder / "state", label="test", on_row=lambda row: print("row", int(row["step"])),
        )  # fmt: skip
    write_tensors(folder / f"done-{rank}", network.state_dict(), {"rows": rows})
