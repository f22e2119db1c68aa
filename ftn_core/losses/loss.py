"""The interface of all losses."""

import torch
from torch import Tensor, nn


class Loss(nn.Module):
    """A loss that a network is trained for.

    Images are ``N x 3 x H x W`` in [0, 1]. A loss has no trainable parameters. It may run under autocast, like the
    network.
    """

    def each(self, restored: Tensor, clean: Tensor) -> Tensor:
        """The loss of each image, ``N``, in full precision."""
        raise NotImplementedError

    def forward(self, restored: Tensor, clean: Tensor) -> Tensor:
        """The loss of a batch, a scalar."""
        return self.each(restored, clean).mean()

    def decibels(self, restored: Tensor, clean: Tensor) -> Tensor:
        """Each image's quality in dB, ``N``; higher is better. It is ``-10 log10`` of the clipped image's loss."""
        return -10 * torch.log10(self.each(restored.clamp(0, 1), clean))
