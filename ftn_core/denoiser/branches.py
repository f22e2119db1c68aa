"""Shared by CFSNet and Dynamic-Net: level-specific branches beside the body's blocks, which the dial mixes in."""

import copy
from collections.abc import Mapping, Sequence
from typing import Self

import torch
from torch import Tensor, nn

from ftn_core.denoiser.transition import State, Transition, convolutions, extend_receptive_field


def blocks(base: nn.Module) -> list[str]:
    """Names of the children of a network's ``body`` that hold convolutions. Each maps C channels to C channels.

    Most are residual blocks. DnCNN's are single convolutions, and AdaFM-Net's body ends in a single convolution.
    """
    return list(dict.fromkeys(".".join(name.split(".")[:2]) for name in convolutions(base, "body")))


def body_channels(base: nn.Module) -> int:
    """The number of channels in a network's body."""
    channels: int = base.get_submodule(convolutions(base, "body")[0]).out_channels  # type: ignore[assignment]
    return channels


class Branches(Transition):
    """Branches beside blocks of the body. A ``coupling``, which is 0 at the base, mixes a branch's output in.

    Between the base and the first level the dial interpolates features, as in both papers: the branches are the first
    level's, and only the couplings move. Between two adapted levels the dial interpolates both branches and couplings.

    Args:
        places: names of the blocks.
        branches: one module for each block, ``N x C x H x W`` to the same shape.
        extensions: for each branch, by how many pixels of the body it extends the network's receptive field.
    """

    def __init__(self, places: Sequence[str], branches: Sequence[nn.Module], extensions: Sequence[int]) -> None:
        super().__init__()
        self._places, self._extensions = places, extensions
        self.branches = nn.ModuleList(branches)
        self.constant = frozenset(
            f"{place}.branch.{name}"
            for place, branch in zip(places, branches, strict=True)
            for name, _ in branch.named_parameters()
        )

    @staticmethod
    def couple(block: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        """The output of a block and its branch together; exactly the block's ``output`` if the coupling is 0."""
        raise NotImplementedError

    def couplings(self) -> Tensor:
        """The couplings of all branches at the level: one for each branch, ``L``, or for each channel, ``L x C``."""
        raise NotImplementedError

    def uncouple(self) -> None:
        """Make the level equal to the base: set outputs or couplings to 0.

        It changes only parameters in which the level is linear.
        """
        raise NotImplementedError

    def extend(self, network: nn.Module) -> nn.Module:
        at = zip(self._places, self.branches, self.couplings(), self._extensions, strict=True)
        for place, branch, coupling, extension in at:
            block = network.get_submodule(place)
            if not hasattr(block, "branch"):  # an earlier level added it
                block.branch = copy.deepcopy(branch).requires_grad_(False)
                block.coupling = nn.Parameter(torch.zeros_like(coupling), requires_grad=False)
                block.register_forward_hook(self.couple)
                extend_receptive_field(network, extension)
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
