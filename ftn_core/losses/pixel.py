"""Losses of pixels: the mean absolute or squared error."""

import torch.nn.functional as F
from torch import Tensor

from ftn_core.losses.loss import Loss
from ftn_core.runtime.psnr import psnr_each

_LOSSES = {"l1": F.l1_loss, "l2": F.mse_loss}


class Pixel(Loss):
    """``l1`` or ``l2``. An image's quality in decibels is its PSNR for both."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._loss = _LOSSES[name]

    def forward(self, restored: Tensor, clean: Tensor) -> Tensor:
        return self._loss(restored, clean)

    def decibels(self, restored: Tensor, clean: Tensor) -> Tensor:
        return psnr_each(restored, clean)
