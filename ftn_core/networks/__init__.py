"""Base networks, one file each. Any height and width goes in and comes out.

Each has a ``body``, its residual part, and takes an image, or an image and more channels that tell it something.

Each says by its ``radius`` how far it looks: an output pixel depends on no input farther away, in pixels (None: on the
whole image); and by its ``cell`` how many pixels a pixel of its body is wide.
"""

from collections.abc import Callable

from torch import nn

from ftn_core.networks.adafm_net import AdafmNet
from ftn_core.networks.dncnn import DnCNN
from ftn_core.networks.resnet import ResNet
from ftn_core.networks.transform_net import TransformNet
from ftn_core.networks.unshuffle_net import UnshuffleNet

NETWORKS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "unshuffle_net": UnshuffleNet,
    "resnet": ResNet,
    "adafm_net": AdafmNet,
    "dncnn": DnCNN,
    "transform_net": TransformNet,
}


def build_network(name: str, channels: int, depth: int, inputs: int = 3) -> nn.Module:
    """A network with fresh weights, ``N x inputs x H x W`` to ``N x 3 x H x W``; names as in ``params.yaml``.

    The first three channels of its input are the image; a fourth may be a map of the noise level (``level_input.py``).
    """
    return NETWORKS[name](channels, depth, inputs)
