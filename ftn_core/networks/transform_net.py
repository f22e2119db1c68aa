"""The image transform network of Johnson et al. (arXiv 1603.08155, supplement, table 1), for style transfer."""

import torch.nn.functional as F
from torch import Tensor, nn


class TransformNet(nn.Module):
    """9x9 head, two convolutions of stride 2, residual blocks, two doublings, 9x9 tail; instance norm after each.

    128 channels and 5 blocks are the paper's scale, with a quarter and half of the channels outside the body. Instance
    norm (arXiv 1607.08022) stands for the paper's batch norm: a picture's own contrast is what a style replaces.
    Doubling is by nearest neighbours and a convolution, not a transposed one, whose kernels overlap unevenly and leave
    a chequerboard (Odena et al. 2016, distill.pub/2016/deconv-checkerboard). The output lies in [0, 1].

    The body is all that follows the head: colours, which a style is much of, are made in the last layer, and a method
    that adapts the body must reach it.

    Instance norm looks at the whole picture: there is no radius, and pictures go through in one piece.
    """

    radius = None

    def __init__(self, channels: int, depth: int, inputs: int) -> None:
        super().__init__()
        quarter, half = max(channels // 4, 3), max(channels // 2, 3)
        self.head = nn.Sequential(*_normalised(inputs, quarter, 9))
        self.body = nn.Sequential(
            *_normalised(quarter, half, 3, 2), *_normalised(half, channels, 3, 2),
            *(_Residual(channels) for _ in range(depth)),
            nn.Upsample(scale_factor=2), *_normalised(channels, half, 3),
            nn.Upsample(scale_factor=2), *_normalised(half, quarter, 3),
            _conv(quarter, 3, 9, bias=True),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        # to a multiple of 4, and instance norm wants more than one place of the body
        right, below = (-n % 4 if n > 4 else 8 - n for n in (width, height))
        x = F.pad(x, (0, right, 0, below), mode="replicate")
        return self.body(self.head(x))[..., :height, :width].sigmoid()


class _Residual(nn.Module):
    """Two convolutions and a skip, no ReLU after it (the paper's choice of Gross and Wilber's)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Sequential(*_normalised(channels, channels, 3))
        self.second = nn.Sequential(*_normalised(channels, channels, 3)[:2])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(self.first(x))


def _normalised(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    return [_conv(inputs, outputs, kernel, stride), nn.InstanceNorm2d(outputs, affine=True), nn.ReLU()]


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, bias: bool = False) -> nn.Conv2d:
    # a frame of zeros would be seen in the picture; instance norm takes biases away
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias, padding_mode="replicate")
