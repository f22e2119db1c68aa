"""A frozen base with a transition: the network that finetuning trains."""

import copy
import math

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import Transition, build_transition


class AdaptedNetwork(nn.Module):
    """The base with its parameters replaced by the level's, which each forward pass computes.

    It works on a copy of the base. The copy's parameters are frozen, but training updates its batch-norm buffers.

    Args:
        levels: the base's level and the adapted level, for continuous supervision.
    """

    def __init__(self, base: nn.Module, transition: Transition, levels: tuple[float, float]) -> None:
        super().__init__()
        self.base = transition.extend(copy.deepcopy(base)).requires_grad_(False)
        self.transition = transition
        self.levels = levels

    @property
    def radius(self) -> int | None:
        """Radius of the receptive field in pixels, so that large images are restored in windows; None: unbounded."""
        return self.base.radius  # type: ignore[return-value]

    def forward(self, x: Tensor, level: Tensor | None = None) -> Tensor:
        """Restore images, ``N x 3 x H x W``.

        Args:
            level: of the whole batch, for continuous supervision: alpha is linear in the level, from 0 at the base's to
                1 at the adapted one. None: the adapted level.
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
    """Initialise a level's transition from the dial position of the level, not from the base.

    It interpolates the parameters of the two neighbouring transitions. For methods whose dial is linear in these
    parameters, such as DNI and AdaFM, this gives exactly the network at that position.

    Args:
        denoiser: with levels of the same method and options.
        level: between two neighbouring trained levels of the denoiser.
    """
    position = denoiser.position(level)
    lower = min(math.floor(position), int(denoiser.span[1]) - 1)
    below, above = denoiser.at(lower), denoiser.at(lower + 1)
    start, end = _transition(denoiser, below, above), _transition(denoiser, above, below)
    for own, a, b in zip(transition.parameters(), start.parameters(), end.parameters(), strict=True):
        own.copy_(torch.lerp(a, b, position - lower))


def _transition(denoiser: ContinuousDenoiser, level: AdaptedLevel | None, neighbour: AdaptedLevel | None) -> Transition:
    """A level's transition; for the base (None) the neighbour's at the base."""
    if level:
        return level.transition
    if neighbour is None:
        raise ValueError("of two neighbouring levels one at most is the base")
    fresh = build_transition(neighbour.method, denoiser.base, 1.0, **neighbour.options)
    return neighbour.transition.at_base(fresh)
