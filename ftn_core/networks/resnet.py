"""Convolution, batch norm and ReLU with skips: the network of the experiment that this project began with."""

import torch.nn.functional as F
from torch import Tensor, nn

from ftn_core.runtime.layers import conv3x3


class _NormalisedLayer(nn.Module):
    """3x3 convolution, batch norm, ReLU, and a skip around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + F.relu(self.norm(self.conv(x)))


class ResNet(nn.Module):
    """``depth`` convolutions at full resolution: head, ``depth - 2`` normalised layers, tail, global skip."""

    homogeneous = True

    def __init__(self, channels: int, depth: int, inputs: int) -> None:
        super().__init__()
        self.radius = depth
        self.cell = 1
        self.head = conv3x3(inputs, channels)
        self.body = nn.Sequential(*(_NormalisedLayer(channels) for _ in range(depth - 2)))
        self.tail = conv3x3(channels, 3)
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :3] + self.tail(self.body(F.relu(self.head(x))))
