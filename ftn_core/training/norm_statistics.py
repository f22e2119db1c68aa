"""Statistics of batch norm at one level, estimated after a training."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ftn_core.denoiser.transition import State
from ftn_core.training.batches import Batches


@torch.no_grad()
def estimate_statistics(network: nn.Module, restore: Callable[[Tensor], object], batches: Batches, count: int) -> State:
    """Estimate a network's batch-norm means and variances with the weights of one level.

    Args:
        network: the network, which holds the statistics. They are overwritten.
        restore: a forward pass through the network with the level's weights, ``N x 3 x H x W``.
        batches: of the level.
        count: number of batches that are averaged.

    Returns:
        The buffers by their names in the network; empty if it has no batch norm.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return {}
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative average
    network.train()
    for step in range(count):
        restore(batches(step)[0])
    buffers = dict(network.named_buffers())
    return {name: value.clone() for name, value in buffers.items() if value.is_floating_point()}
