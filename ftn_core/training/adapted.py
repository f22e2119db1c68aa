"""A frozen base seen through a transition: what finetuning trains."""

import copy

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.transition import State, Transition, build_transition
from ftn_core.training.batches import Batches


class AdaptedNetwork(nn.Module):
    """The base with the level's own parameters in place of its own, computed once for each forward pass.

    Works on a copy of the base whose parameters are frozen. Its batch-norm buffers do move while training, and then
    belong to the level.

    Args:
        levels: the base's and the adapted one, for continuous supervision.
    """

    def __init__(self, base: nn.Module, transition: Transition, levels: tuple[float, float]) -> None:
        super().__init__()
        self.base = transition.extend(copy.deepcopy(base)).requires_grad_(False)
        self.transition = transition
        self.levels = levels

    @property
    def radius(self) -> int | None:
        """How far it looks, in pixels: large images are restored in windows, as with any network."""
        return self.base.radius  # type: ignore[return-value]

    def forward(self, x: Tensor, level: Tensor | None = None) -> Tensor:
        """``N x 3 x H x W`` at the level; or, given the batch's ``level``, as far along as it is between the two.

        The latter is continuous supervision: alpha rises linearly with the level, so that one map fits all.
        """
        base = dict(self.base.named_parameters())
        state = self.transition(base)
        if level is not None:
            alpha = (level.flatten()[0] - self.levels[0]) / (self.levels[1] - self.levels[0])
            constant = self.transition.constant
            state = {n: value if n in constant else torch.lerp(base[n], value, alpha) for n, value in state.items()}
        output: Tensor = functional_call(self.base, state, (x,))
        return output


@torch.no_grad()
def initialize_on_dial(transition: Transition, denoiser: ContinuousDenoiser, level: float) -> None:
    """Initialise a level between trained ones from the dial's place for it, rather than from the base.

    The parameters of the neighbours' transitions, interpolated: where the dial is linear in them, as with DNI and
    AdaFM, that is the very network at this place of the dial. ``denoiser`` is of the same method and options.
    """
    position = denoiser.position(level)
    lower = min(int(position), len(denoiser.levels) - 1)
    upper = denoiser.levels[lower]
    below = (
        denoiser.levels[lower - 1].transition
        if lower
        else upper.transition.at_base(build_transition(upper.method, denoiser.base, 1.0, **upper.options))
    )
    for own, start, end in zip(transition.parameters(), below.parameters(), upper.transition.parameters(), strict=True):
        own.copy_(torch.lerp(start, end, position - lower))


@torch.no_grad()
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
