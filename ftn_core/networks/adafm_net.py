"""The base network of AdaFM (arXiv 1904.08118, section 4.1), which the FTN paper also uses."""

import torch.nn.functional as F
from torch import Tensor, nn

from ftn_core.networks.blocks import ResidualBlock, conv3x3, pad_to_even


class AdafmNet(nn.Module):
    """Stride-2 head, residual blocks under one long skip, pixel-shuffle tail.

    64 channels and 16 blocks are the paper's scale: 1,406,787 parameters (the paper says 1.41 M).
    """

    def __init__(self, channels: int, depth: int, inputs: int) -> None:
        super().__init__()
        self.radius = 4 * depth + 8
        self.head = conv3x3(inputs, channels, stride=2)
        self.body = nn.Sequential(*(ResidualBlock(channels) for _ in range(depth)), conv3x3(channels, channels))
        self.up = conv3x3(channels, 4 * channels)
        self.tail = nn.Sequential(conv3x3(channels, channels), nn.ReLU(), conv3x3(channels, 3))

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        h = self.head(pad_to_even(x))  # N x C x H/2 x W/2
        h = h + self.body(h)
        h = F.relu(F.pixel_shuffle(self.up(h), 2))
        return self.tail(h)[..., :height, :width]
