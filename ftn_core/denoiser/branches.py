"""What CFSNet and Dynamic-Net share: convolutions of the level's own at the body's blocks, let in by the dial."""

import copy
from collections.abc import Mapping, Sequence
from typing import Self

import torch
from torch import Tensor, nn

from ftn_core.denoiser.transition import State, Transition, convolutions, look_farther


def blocks(base: nn.Module) -> list[str]:
    """Names of those children of a network's ``body`` that hold convolutions: they go from C channels to as many.

    Residual blocks where the network has some; DnCNN's are single convolutions, and AdaFM-Net's body ends in one.
    """
    return list(dict.fromkeys(".".join(name.split(".")[:2]) for name in convolutions(base, "body")))


def body_channels(base: nn.Module) -> int:
    """How many channels a network's body has."""
    channels: int = base.get_submodule(convolutions(base, "body")[0]).out_channels  # type: ignore[assignment]
    return channels


class Branches(Transition):
    """Branches at blocks of the body. Each has a ``coupling`` to its block, 0 at the base, which the dial turns.

    The base's end of the dial has the first level's branches, too, so that features are interpolated between these
    two, as in both papers. Between two adapted levels branches and couplings are.

    Args:
        places: names of the blocks.
        branches: for each what maps features, ``N x C x H x W`` to the same.
        farther: for each how many pixels of the body it makes the network look farther.
    """

    def __init__(self, places: Sequence[str], branches: Sequence[nn.Module], farther: Sequence[int]) -> None:
        super().__init__()
        self._places, self._farther = places, farther
        self.branches = nn.ModuleList(branches)
        self.constant = frozenset(
            f"{place}.branch.{name}"
            for place, branch in zip(places, branches, strict=True)
            for name, _ in branch.named_parameters()
        )

    @staticmethod
    def couple(block: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        """What a block gives together with its branch; exactly its ``output`` where the coupling is 0."""
        raise NotImplementedError

    def couplings(self) -> Tensor:
        """Of each branch at the level: a number for all its channels, ``L``, or one for each, ``L x C``."""
        raise NotImplementedError

    def uncouple(self) -> None:
        """Make the level the base itself: output of 0 or couplings of 0, by parameters that the level is linear in."""
        raise NotImplementedError

    def extend(self, network: nn.Module) -> nn.Module:
        at = zip(self._places, self.branches, self.couplings(), self._farther, strict=True)
        for place, branch, coupling, farther in at:
            block = network.get_submodule(place)
            if not hasattr(block, "branch"):  # an earlier level's stays
                block.branch = copy.deepcopy(branch).requires_grad_(False)
                block.coupling = nn.Parameter(torch.zeros_like(coupling), requires_grad=False)
                block.register_forward_hook(self.couple)
                look_farther(network, farther)
        return network

    def forward(self, state: Mapping[str, Tensor]) -> State:
        level: State = {}
        for place, branch, coupling in zip(self._places, self.branches, self.couplings(), strict=True):
            level |= {f"{place}.branch.{name}": value for name, value in branch.named_parameters()}
            level[f"{place}.coupling"] = coupling
        return level

    def at_base(self, fresh: Self) -> Self:
        fresh.load_state_dict(self.state_dict())
        fresh.uncouple()
        return fresh
