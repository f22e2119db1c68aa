"""Lightning Fabric, which brings a training to its device, its precision and its processes."""

import logging
import os
from typing import Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy

from ftn_core.runtime.device import Precision, resolve_precision, set_up_torch
from ftn_core.utils.errors import UserError


def make_fabric(threads: int, precision: Literal["auto"] | Precision = "32-true", devices: int = 1) -> Fabric:
    """Lightning Fabric on the best available device.

    Args:
        threads: CPU threads of PyTorch. Their number decides the order of sums, so it must not depend on the machine.
        precision: as ``resolve_precision`` takes it.
        devices: with more than one, torch's launcher has started this many processes. Each gets an equal part of the
            threads and one GPU, if there are GPUs. The call returns when all processes have made it.

    Raises:
        UserError: the machine has fewer GPUs than processes of the training.
    """
    set_up_torch(max(1, threads // devices))
    chosen = resolve_precision(precision)
    return Fabric(accelerator="auto", devices=1, precision=chosen) if devices == 1 else _join(devices, chosen)


def _join(devices: int, precision: Precision) -> Fabric:
    here, machines = (int(os.environ[name]) for name in ("LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE"))
    gpus = torch.cuda.device_count()
    if 0 < gpus < here:
        raise UserError(
            f"train.devices = {devices} puts {here} processes on this machine, which has {gpus} GPU(s): lower it, or "
            "set CUDA_VISIBLE_DEVICES= to train on the CPU"
        )
    # without this, every process prints Lightning's announcements
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    strategy = DDPStrategy(process_group_backend="nccl" if gpus else "gloo")
    fabric = Fabric(
        accelerator="cuda" if gpus else "cpu", strategy=strategy, devices=here, num_nodes=machines, precision=precision
    )
    fabric.launch()
    return fabric


def describe_precision(fabric: Fabric) -> str:
    """The precision in use and the device."""
    return f"{fabric.strategy.precision.precision} on {fabric.device.type}"  # type: ignore[attr-defined]
