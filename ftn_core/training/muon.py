"""Muon: the momentum of each bank of filters, orthogonalised, is its update."""

import math
from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of one Newton-Schulz step, which brings all singular values near 1 in five steps."""
ITERATIONS = 5
MOMENTUM = 0.95
WIDEST = 16
"""A bank with fewer channels, at either side, is left to Adam: those that read and write the image."""


class Muon(torch.optim.Optimizer):
    """Moves each bank of filters by its orthogonalised momentum, so that all directions learn equally fast.

    After Keller Jordan's Muon of 2024, with Nesterov's momentum. A bank counts as a matrix of its output channels by
    all else. The update is scaled to the size of Adam's (arXiv 2502.16982, section 2.2), so rates are comparable.

    Args:
        parameters: ``takes`` holds for each.
        lr: a number, or a tensor that CUDA graphs read.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float | Tensor) -> None:
        super().__init__(parameters, {"lr": lr})

    @staticmethod
    def takes(parameter: nn.Parameter) -> bool:
        """Whether it is a bank of filters that is wide enough; all others need another optimiser."""
        return parameter.dim() == 4 and min(parameter.shape[:2]) >= WIDEST

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move all parameters once."""
        for group in self.param_groups:
            banks = defaultdict(list)
            for bank in group["params"]:
                banks[bank.shape].append(bank)
            for shape, same in banks.items():
                updates = orthogonal(torch.stack([self._momentum(bank).flatten(1) for bank in same]))
                size = 0.2 * math.sqrt(max(shape[0], shape[1:].numel()))
                for bank, update in zip(same, updates.view(-1, *shape), strict=True):
                    bank.sub_(update * (group["lr"] * size))

    def _momentum(self, bank: nn.Parameter) -> Tensor:
        assert bank.grad is not None
        state = self.state[bank]
        if not state:
            state["momentum"] = torch.zeros_like(bank)
        state["momentum"].lerp_(bank.grad, 1 - MOMENTUM)
        return bank.grad.lerp(state["momentum"], MOMENTUM)


def orthogonal(matrices: Tensor) -> Tensor:
    """Nearly the nearest matrices with orthonormal rows or columns, ``N x rows x columns``.

    All singular values become about 1 (0.7 to 1.2). The iteration runs on the small products of rows with rows.
    """
    if matrices.shape[1] > matrices.shape[2]:
        return orthogonal(matrices.mT).mT
    matrices = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-9)
    product = matrices @ matrices.mT
    identity = torch.eye(product.shape[1], device=product.device)
    a, b, c = QUINTIC
    whole = identity
    for _ in range(ITERATIONS):
        step = a * identity + (b * identity + c * product) @ product
        whole = step @ whole
        product = step @ product @ step
    return whole @ matrices
