"""The image transform network of Johnson et al. (arXiv 1603.08155, supplement, table 1), for style transfer."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TransformNet(nn.Module):
    """9x9 head, two convolutions of stride 2, residual blocks, two upsamplings, 9x9 tail.

    Instance norm follows each convolution but the last. The paper uses 128 channels and 5 blocks, with a quarter and
    half of the channels in the layers outside the blocks. The output lies in [0, 1]. Two things differ from the paper:

    - Instance norm (arXiv 1607.08022) replaces batch norm, because a style replaces an image's own contrast.
    - Upsampling is nearest-neighbour and a convolution. The kernels of a transposed convolution overlap unequally and
      leave a chequerboard (Odena et al. 2016, distill.pub/2016/deconv-checkerboard).

    The body is everything after the head. Colours are much of a style and are made in the last layer, so a method that
    adapts the body must include it.

    Instance norm depends on the whole image. The network therefore has no radius, and images are restored untiled.
    """

    radius = None
    homogeneous = False

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
        # to a multiple of 4, and at least 8: instance norm needs more than one pixel in the body
        # sym_max, unlike max, is no condition on the size: one graph can be exported for all sizes
        right, below = (torch.sym_max(4 * ((n + 3) // 4), 8) - n for n in (width, height))
        x = F.pad(x, (0, right, 0, below), mode="replicate")
        return self.body(self.head(x))[..., :height, :width].sigmoid()


class _Residual(nn.Module):
    """Two convolutions and a skip without a ReLU after it: Gross and Wilber's block, which the paper uses."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Sequential(*_normalised(channels, channels, 3))
        self.second = nn.Sequential(*_normalised(channels, channels, 3)[:2])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(self.first(x))


def _normalised(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    return [_conv(inputs, outputs, kernel, stride), nn.InstanceNorm2d(outputs, affine=True), nn.ReLU()]


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, bias: bool = False) -> nn.Conv2d:
    # zero padding would be visible as a frame; instance norm cancels biases
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias, padding_mode="replicate")
