"""Terms of the losses (Johnson et al., arXiv 1603.08155, section 3.2). Each gives a value for each of ``N`` images."""

from collections.abc import Sequence

import torch
from torch import Tensor


def feature_term(features: Tensor, target: Tensor) -> Tensor:
    """The squared distance of two images' features ``N x C x H x W``, divided by ``C*H*W`` (the paper's equation 2)."""
    return (_full(features) - _full(target)).square().flatten(1).mean(1)


def gram(features: Tensor) -> Tensor:
    """The Gram matrix of features, divided by ``C*H*W`` (equation 3): ``N x C x H x W`` to ``N x C x C``."""
    n, channels = features.shape[:2]
    rows = _full(features).permute(0, 2, 3, 1).reshape(n, -1, channels)  # a view of channels_last memory
    # in full precision: half precision loses small values in sums over so many pixels
    with torch.autocast(features.device.type, enabled=False):
        return rows.mT @ rows / (rows.shape[1] * channels)


def style_term(features: Tensor, target: Tensor) -> Tensor:
    """The squared distance between the features' Gram matrix and a style's, ``1 x C x C`` (equation 4).

    We divide it by the squared norm of the style's Gram matrix, which the paper does not. Without this, one layer can
    outweigh the others a thousandfold.
    """
    return (gram(features) - target).square().sum((1, 2)) / target.square().sum()


def total_variation(images: Tensor) -> Tensor:
    """The mean absolute difference of neighbouring pixels, along rows plus along columns, ``N``."""
    return images.diff(dim=2).abs().flatten(1).mean(1) + images.diff(dim=3).abs().flatten(1).mean(1)


def weighted(weights: Sequence[float], terms: Sequence[Tensor]) -> Tensor:
    """The weighted sum of terms of ``N`` values each."""
    return torch.stack([weight * term for weight, term in zip(weights, terms, strict=True)]).sum(0)


def _full(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
