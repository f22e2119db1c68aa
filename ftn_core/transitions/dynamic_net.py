"""Dynamic-Net (arXiv 1811.08760, section 3): tuning blocks after some of the blocks of a frozen network."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ftn_core.denoiser.branches import Branches, blocks, body_channels
from ftn_core.runtime.layers import conv3x3


class DynamicNet(Branches):
    """Tuning blocks ``T`` after chosen blocks of the body: features ``h`` become ``h + alpha T(h)``.

    ``T`` is three convolutions with ReLUs between them, as in the authors' code, but without its reflection padding.
    Alpha is 0 at the base and 1 at the level. Our change: the last convolution starts at zero, so that the level starts
    at the base itself.

    Args:
        after: after which fractions of the body's blocks there are tuning blocks; 1 is after the last block.
        width: channels between the convolutions, as a multiple of the body's channels.
    """

    def __init__(self, base: nn.Module, ratio: float, *, after: Sequence[float], width: float) -> None:
        names, channels = blocks(base), body_channels(base)
        numbers = sorted({max(round(fraction * len(names)), 1) for fraction in after})
        places = [names[number - 1] for number in numbers]
        inner = max(round(width * channels), 1)
        super().__init__(places, [tuning_block(channels, inner) for _ in places], [3] * len(places))
        self.uncouple()

    @staticmethod
    def couple(block: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        return output + block.coupling * block.branch(output)  # type: ignore[operator]

    def couplings(self) -> Tensor:
        return next(self.parameters()).new_ones(len(self.branches))

    @torch.no_grad()
    def uncouple(self) -> None:
        for branch in self.branches:
            for parameter in branch[-1].parameters():  # type: ignore[index]
                parameter.zero_()


def tuning_block(channels: int, inner: int) -> nn.Module:
    """Three convolutions with ReLUs between them, ``N x channels x H x W`` to the same shape."""
    first, second, last = conv3x3(channels, inner), conv3x3(inner, inner), conv3x3(inner, channels)
    for conv in (first, second):
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), last)
