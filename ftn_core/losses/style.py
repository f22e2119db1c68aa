"""Style transfer (Johnson et al., arXiv 1603.08155, section 3): the content of one image in the style of another."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ftn_core.losses.loss import Loss
from ftn_core.losses.terms import feature_term, gram, style_term, total_variation, weighted
from ftn_core.losses.vgg16 import Vgg16


class Style(Loss):
    """The sum of the feature term towards the clean image, the style terms of one style image, and total variation.

    Args:
        features: VGG16's parameters, as ``Vgg16`` takes them.
        picture: the style image, ``1 x 3 x H x W`` in [0, 1].
        content: weight of the feature term.
        content_layer: of the feature term.
        style: weight of the style terms.
        style_layers: of the style terms.
        total_variation: weight of the total variation.
    """

    def __init__(
        self,
        features: Mapping[str, Tensor],
        picture: Tensor,
        *,
        content: float,
        content_layer: str,
        style: float,
        style_layers: Sequence[str],
        total_variation: float,
    ) -> None:
        super().__init__()
        self.vgg = Vgg16(features, {content_layer, *style_layers})
        self._content_layer, self._weights = content_layer, (content, style, total_variation)
        with torch.no_grad():
            self.grams = nn.ParameterDict({n: gram(f) for n, f in self.vgg(picture).items() if n in style_layers})
        self.grams.requires_grad_(False)

    def each(self, restored: Tensor, clean: Tensor) -> Tensor:
        with torch.no_grad():
            target = self.vgg(clean, self._content_layer)[self._content_layer]
        features = self.vgg(restored)
        terms = (
            feature_term(features[self._content_layer], target),
            torch.stack([style_term(features[name], style) for name, style in self.grams.items()]).sum(0),
            total_variation(restored),
        )
        return weighted(self._weights, terms)
