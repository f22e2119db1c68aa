"""Coordination of several processes that train one network together."""

from collections.abc import Callable
from typing import TypeVar

from lightning_fabric import Fabric
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ftn_core.utils.errors import UserError

T = TypeVar("T")


def on_rank_zero(fabric: Fabric, work: Callable[[], T]) -> T:
    """Run ``work`` in the first process, and return its result in all processes.

    Raises:
        UserError: raised by ``work``. All processes raise it, so that none waits for a process that has ended.
    """
    if fabric.world_size == 1:
        return work()
    outcome: tuple[T | None, str | None] = (None, None)
    if fabric.is_global_zero:
        try:
            outcome = work(), None
        except UserError as error:
            outcome = None, str(error)
    value, message = fabric.broadcast(outcome)
    if message is not None:
        raise UserError(message)
    return value


def synchronise_norms(network: nn.Module, fabric: Fabric) -> None:
    """Make batch norm use the statistics of the whole batch, not of each process's share.

    Networks without batch norm stay unchanged.

    Raises:
        UserError: the network has batch norm and the processes use CPUs, for which PyTorch has no SyncBatchNorm.
    """
    if fabric.world_size == 1 or not any(isinstance(module, _BatchNorm) for module in network.modules()):
        return
    if fabric.device.type != "cuda":
        raise UserError(
            f"train.devices = {fabric.world_size} on a CPU does not work with batch norm, which would use each "
            "process's share of a batch alone: set train.devices to 1, or network.name to unshuffle_net or adafm_net"
        )
    nn.SyncBatchNorm.convert_sync_batchnorm(network)
