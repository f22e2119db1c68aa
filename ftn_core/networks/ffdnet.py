"""FFDNet: plain convolutions at half the resolution, told the noise level by one more channel."""

import torch.nn.functional as F
from torch import Tensor, nn

from ftn_core.runtime.layers import conv3x3, pad_to_even


class Ffdnet(nn.Module):
    """Pixel-unshuffle by 2, convolutions with ReLUs, pixel-shuffle back (arXiv 1710.04026, figure 1).

    The paper gives the network a map of the noise level. Here the map is of ones, and the filters that read it are
    multiplied by the level: the same network, but plain at each level, and a dial over levels is a straight line from
    weights to weights. ``depth`` counts convolutions.
    """

    homogeneous = False  # the filters of the map are in units of the image, and are no biases

    def __init__(self, channels: int, depth: int, inputs: int) -> None:
        super().__init__()
        self.radius = 2 * depth + 1
        self.cell = 2
        self.head = conv3x3(4 * inputs + 1, channels)
        layers: list[nn.Module] = [nn.ReLU()]
        for _ in range(depth - 2):
            layers += [conv3x3(channels, channels), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.tail = conv3x3(channels, 4 * 3)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        h = F.pixel_unshuffle(pad_to_even(x), 2)  # N x 4 inputs x H/2 x W/2
        h = F.pad(h, (0, 0, 0, 0, 0, 1), value=1.0)  # the map of ones
        return F.pixel_shuffle(self.tail(self.body(self.head(h))), 2)[..., :height, :width]
