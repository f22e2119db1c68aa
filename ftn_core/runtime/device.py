"""Device, precision and threads for everything that runs a network."""

import logging
import os
from typing import Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy

from ftn_core.utils.errors import UserError
from ftn_core.utils.memory import keep_freed_memory

Precision = Literal["32-true", "bf16-mixed"]


def make_fabric(threads: int, precision: Literal["auto"] | Precision = "32-true", devices: int = 1) -> Fabric:
    """Lightning Fabric on the best available device.

    Args:
        threads: CPU threads of PyTorch. Their number decides the order of sums, so it must not depend on the machine.
        precision: ``auto``: the result of ``best_precision``.
        devices: with more than one, torch's launcher has started this many processes. Each gets an equal part of the
            threads and one GPU, if there are GPUs. The call returns when all processes have made it.

    Raises:
        UserError: the machine has fewer GPUs than processes of the training.
    """
    keep_freed_memory()
    torch.set_num_threads(max(1, threads // devices))
    torch.use_deterministic_algorithms(True, warn_only=True)
    # a debugging aid that deterministic algorithms switch on: it fills every new tensor once more
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    chosen = best_precision() if precision == "auto" else precision
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


def best_precision() -> Precision:
    """Mixed bf16 if the GPU (without a GPU, the CPU) has instructions for it. Without them bf16 is slower."""
    if torch.cuda.is_available():
        able = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = any(torch.cpu.get_capabilities().get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return "bf16-mixed" if able else "32-true"
