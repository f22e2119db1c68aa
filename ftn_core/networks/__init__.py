"""Base networks, one file each. Any height and width goes in and comes out.

Each says by its ``radius`` how far it looks: an output pixel depends on no input farther away, in pixels.
"""

from collections.abc import Callable

from torch import nn

from ftn_core.networks.adafm_net import AdafmNet
from ftn_core.networks.resnet import ResNet
from ftn_core.networks.unshuffle_net import UnshuffleNet

NETWORKS: dict[str, Callable[[int, int], nn.Module]] = {
    "unshuffle_net": UnshuffleNet,
    "resnet": ResNet,
    "adafm_net": AdafmNet,
}


def build_network(name: str, channels: int, depth: int) -> nn.Module:
    """A base network with fresh weights, ``N x 3 x H x W`` to ``N x 3 x H x W``; names as in ``params.yaml``."""
    return NETWORKS[name](channels, depth)
