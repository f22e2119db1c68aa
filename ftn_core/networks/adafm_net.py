"""The base network of AdaFM (arXiv 1904.08118, section 4.1), which the FTN paper also uses."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ftn_core.runtime.layers import ResidualBlock, conv3x3, pad_to_even


class AdafmNet(nn.Module):
    """Stride-2 head, residual blocks with one long skip around them, pixel-shuffle tail.

    With the paper's 64 channels and 16 blocks it has 1,406,787 parameters (the paper says 1.41 M). No skip leads from
    the image to the output. Our change: with 12 channels or more, the network is initialised as the identity.
    """

    homogeneous = True

    def __init__(self, channels: int, depth: int, inputs: int) -> None:
        super().__init__()
        self.radius = 4 * depth + 8
        self.cell = 2
        carried, first, last = conv3x3(channels, channels), conv3x3(channels, channels), conv3x3(channels, 3)
        self.head = conv3x3(inputs, channels, stride=2)
        self.body = nn.Sequential(*(ResidualBlock(channels) for _ in range(depth)), carried)
        self.up = conv3x3(channels, 4 * channels)
        self.tail = nn.Sequential(first, nn.ReLU(), last)
        if channels >= 12:
            _start_as_identity(self.head, carried, self.up, first, last)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        h = self.head(pad_to_even(x))  # N x C x H/2 x W/2
        h = h + self.body(h)
        h = F.relu(F.pixel_shuffle(self.up(h), 2))
        return self.tail(h)[..., :height, :width]


@torch.no_grad()
def _start_as_identity(head: nn.Conv2d, body: nn.Conv2d, up: nn.Conv2d, first: nn.Conv2d, last: nn.Conv2d) -> None:
    """Carry the 12 values of each 2x2 square through in separate channels. ReLUs cut off values below 0."""
    nn.init.zeros_(body.weight)
    for conv, carried in ((head, 12), (up, 12), (first, 3), (last, 3)):
        conv.weight[:carried] = 0
    for conv in (head, body, up, first, last):
        nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    for k in range(12):
        colour, row, column = k // 4, k // 2 % 2, k % 2  # pixel-shuffle's order
        head.weight[k, colour, 1 + row, 1 + column] = 1
        up.weight[k, k, 1, 1] = 1
        first.weight[colour, colour, 1, 1] = last.weight[colour, colour, 1, 1] = 1
