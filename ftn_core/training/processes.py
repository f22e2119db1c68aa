"""Several processes that train one network together: what they must do alike."""

from collections.abc import Callable
from typing import TypeVar

from lightning_fabric import Fabric
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ftn_core.utils.errors import UserError

T = TypeVar("T")


def on_rank_zero(fabric: Fabric, work: Callable[[], T]) -> T:
    """What ``work`` returns in the first process, for all of them; the others wait for it.

    Raises:
        UserError: as ``work`` did, in every process: none is left waiting for one that has gone.
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
    """Let batch norm, where there is any, see the whole batch and not each process's share alone.

    Raises:
        UserError: there is batch norm, and the processes are on CPUs, for which PyTorch has no synchronised one.
    """
    if fabric.world_size == 1 or not any(isinstance(module, _BatchNorm) for module in network.modules()):
        return
    if fabric.device.type != "cuda":
        raise UserError(
            f"train.devices = {fabric.world_size} on a CPU is not for networks with batch norm, which would see each "
            "share of a batch alone: set train.devices to 1, or network.name to unshuffle_net or adafm_net"
        )
    nn.SyncBatchNorm.convert_sync_batchnorm(network)
