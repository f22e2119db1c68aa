"""A frozen base seen through a transition: what finetuning trains."""

import copy

from torch import Tensor, nn
from torch.func import functional_call

from ftn_core.data.batches import Batches
from ftn_core.transitions import State


class AdaptedNetwork(nn.Module):
    """The base with the level's own parameters in place of its own, computed once for each forward pass.

    Works on a copy of the base whose parameters are frozen. Its batch-norm buffers do move while training, and then
    belong to the level.
    """

    def __init__(self, base: nn.Module, transition: nn.Module) -> None:
        super().__init__()
        self.base = copy.deepcopy(base).requires_grad_(False)
        self.transition = transition

    def forward(self, x: Tensor) -> Tensor:
        state = self.transition(dict(self.base.named_parameters()))
        output: Tensor = functional_call(self.base, state, (x,))
        return output


def estimate_statistics(network: AdaptedNetwork, batches: Batches, count: int) -> State:
    """The level's batch-norm mean and variance: averages over ``count`` batches, with the trained filters.

    Returns the buffers by the base's names; empty where the base has no batch norm.
    """
    norms = [module for module in network.base.modules() if isinstance(module, nn.BatchNorm2d)]
    if not norms:
        return {}
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative average
    network.train()
    for step in range(count):
        network(batches(step)[0])
    buffers = dict(network.base.named_buffers())
    return {name: value.clone() for name, value in buffers.items() if value.is_floating_point()}
