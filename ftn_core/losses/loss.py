"""What all objectives share."""

import torch
from torch import Tensor, nn


class Loss(nn.Module):
    """What a network is trained for: how far restored images are from what they should be.

    Images are ``N x 3 x H x W`` in [0, 1]. Nothing in it is trained. It may run under autocast, as the network does.
    """

    def each(self, restored: Tensor, clean: Tensor) -> Tensor:
        """The loss of each image, ``N``, in full precision."""
        raise NotImplementedError

    def forward(self, restored: Tensor, clean: Tensor) -> Tensor:
        """The loss of a batch, a scalar."""
        return self.each(restored, clean).mean()

    def decibels(self, restored: Tensor, clean: Tensor) -> Tensor:
        """How good each image is, ``N``; more is better: ``-10 log10`` of its loss, clipped to what can be shown."""
        return -10 * torch.log10(self.each(restored.clamp(0, 1), clean))
