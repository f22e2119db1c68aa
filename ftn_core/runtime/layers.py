"""Layers that several networks share."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """A 3x3 convolution with padding: height and width are only divided by ``stride``."""
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a ReLU between them and a skip, as in EDSR (arXiv 1707.02921, figure 2c).

    The second convolution is initialised with small weights, so that a deep stack starts near the identity.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(channels, channels)
        self.conv2 = conv3x3(channels, channels)
        nn.init.kaiming_normal_(self.conv1.weight, nonlinearity="relu")
        nn.init.kaiming_normal_(self.conv2.weight, nonlinearity="relu")
        self.conv2.weight.data.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(x)))


def pad_to_even(x: Tensor) -> Tensor:
    """Repeat the last row if the height is odd, and the last column if the width is odd."""
    below, right = (2 * ((n + 1) // 2) - n for n in x.shape[-2:])  # an exporter sees that the sums are even
    # one graph for all sizes has no condition on them
    return F.pad(x, (0, right, 0, below), mode="replicate") if torch.compiler.is_exporting() or below or right else x
