"""Batches whose targets are a teacher's outputs (distillation, arXiv 1503.02531)."""

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from ftn_core.training.loop import BatchSource


class Taught:
    """The same batches with the teacher's outputs in place of the clean images.

    A clean image is one of many that the noisy one could come from, so its pixels are random as seen from there. The
    teacher's output is not, and gradients are less noisy.

    Args:
        teacher: takes what the network in training takes.
    """

    def __init__(self, batches: BatchSource, teacher: nn.Module, fabric: Fabric) -> None:
        self._batches, self._fabric = batches, fabric
        self._teacher = teacher.to(fabric.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    @torch.no_grad()
    def __call__(self, step: int) -> tuple[Tensor, ...]:
        """The inputs of a step, and the teacher's outputs for them."""
        *inputs, _ = self._batches(step)
        with self._fabric.autocast():
            target: Tensor = self._teacher(*inputs)
        return (*inputs, target.float())
