"""CFSNet (arXiv 1904.00634, section 3): a tuning branch beside each block, mixed in by learned coefficients."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from ftn_core.denoiser.branches import Branches, blocks, body_channels
from ftn_core.denoiser.transition import convolutions

CONTROL = (512, 256, 128)
"""Widths of the layers that all couplings share, as in the authors' code. The first layer takes alpha_in."""


class CfsNet(Branches):
    """A branch ``T`` of two convolutions beside each block ``M`` of the body: ``(1 - a) M(x) + a T(x)``.

    Fully connected layers compute the coefficients ``a``, one for each channel, from alpha_in. All blocks share the
    first three layers, and each block has two more of its own. As in the authors' code they have neither biases nor
    activations. So ``a`` is proportional to alpha_in, and exactly 0 at the base.

    Our change: the last layers start at zero, so that the level starts at the base itself. The authors initialise all
    layers at a tenth of Kaiming's scale, which is close to that.
    """

    def __init__(self, base: nn.Module, ratio: float) -> None:
        places, channels = blocks(base), body_channels(base)
        branches = [_branch(channels) for _ in places]
        # a branch has two convolutions, so its receptive field is larger than that of a block with one
        depths = [len(convolutions(base, place)) for place in places]
        super().__init__(places, branches, [max(2 - depth, 0) for depth in depths])
        widths = (*CONTROL, channels)
        # scaled to keep the standard deviation from layer to layer
        self.control = nn.ParameterList(
            torch.randn(outputs, inputs) / inputs**0.5 for inputs, outputs in pairwise(widths)
        )
        self.own = nn.Parameter(torch.randn(len(places), channels, channels) / channels**0.5)
        self.last = nn.Parameter(torch.zeros(len(places), channels, channels))

    @staticmethod
    def couple(block: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        a: Tensor = block.coupling[:, None, None].to(output.dtype)  # type: ignore[index,union-attr,assignment]
        return output + a * (block.branch(inputs[0]) - output)  # type: ignore[operator]

    def couplings(self) -> Tensor:
        # in full precision: rounding here would give a different network
        with torch.autocast(self.last.device.type, enabled=False):
            h = self.last.new_ones(CONTROL[0], 1)  # alpha_in is 1
            for layer in self.control:
                h = layer @ h
            return (self.last @ (self.own @ h))[..., 0]

    @torch.no_grad()
    def uncouple(self) -> None:
        self.last.zero_()


def _branch(channels: int) -> nn.Module:
    first, second = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
    nn.init.kaiming_normal_(first.weight, nonlinearity="relu")
    nn.init.kaiming_normal_(second.weight, nonlinearity="relu")
    second.weight.data.mul_(0.1)  # as in a residual block
    return nn.Sequential(first, nn.ReLU(), second)
