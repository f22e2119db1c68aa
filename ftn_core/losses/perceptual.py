"""The perceptual loss of Johnson et al. (arXiv 1603.08155) for restoration: close in features as well as in pixels."""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ftn_core.losses.loss import Loss
from ftn_core.losses.terms import feature_term, total_variation, weighted
from ftn_core.losses.vgg16 import Vgg16


class Perceptual(Loss):
    """The sum of the feature terms towards the clean image, the mean absolute error of pixels, and total variation.

    Args:
        features: VGG16's parameters, as ``Vgg16`` takes them.
        feature: weight of the feature terms.
        layers: of the feature terms.
        pixel: weight of the pixels' error.
        total_variation: weight of the total variation.
    """

    def __init__(
        self,
        features: Mapping[str, Tensor],
        *,
        feature: float,
        layers: Sequence[str],
        pixel: float,
        total_variation: float,
    ) -> None:
        super().__init__()
        self.vgg = Vgg16(features, layers)
        self._weights = feature, pixel, total_variation

    def each(self, restored: Tensor, clean: Tensor) -> Tensor:
        with torch.no_grad():
            target = self.vgg(clean)
        terms = (
            torch.stack([feature_term(f, target[name]) for name, f in self.vgg(restored).items()]).sum(0),
            F.l1_loss(restored, clean, reduction="none").flatten(1).mean(1),
            total_variation(restored),
        )
        return weighted(self._weights, terms)
