"""Features of VGG16 (Simonyan and Zisserman, arXiv 1409.1556), built from torchvision's layers."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

LAYERS = {"relu1_2": 3, "relu2_2": 8, "relu3_3": 15, "relu4_3": 22}
"""The layers that Johnson et al. use, with their index in torchvision's ``vgg16().features``."""
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, which torchvision's weights expect


def layers_to(deepest: str) -> nn.Sequential:
    """torchvision's layers up to ``deepest``, on the meta device, so without weights."""
    with torch.device("meta"):
        layers = make_layers(cfgs["D"])
    return nn.Sequential(*layers[: LAYERS[deepest] + 1])


class Vgg16(nn.Module):
    """The features of some layers of a frozen VGG16.

    Args:
        weights: by their names in torchvision's ``vgg16().features``: ``0.weight``, ``0.bias``, ``2.weight``, ...
        layers: names in ``LAYERS``.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, weights: Mapping[str, Tensor], layers: Iterable[str]) -> None:
        super().__init__()
        self._wanted = {LAYERS[name]: name for name in layers}
        self.layers = layers_to(max(self._wanted.values(), key=LAYERS.__getitem__))
        self.layers.load_state_dict({name: weights[name] for name in self.layers.state_dict()}, assign=True)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1))
        self.eval().requires_grad_(False)
        # convolutions are fastest in this memory layout
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, images: Tensor, last: str | None = None) -> dict[str, Tensor]:
        """Features ``N x C x H' x W'`` by layer's name, of images ``N x 3 x H x W`` in [0, 1].

        Args:
            last: the deepest layer to compute; None: all layers.
        """
        h = ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        features = {}
        for i, layer in enumerate(self.layers):
            h = layer(h)
            if i in self._wanted:
                features[self._wanted[i]] = h
                if self._wanted[i] == last:
                    break
        return features
