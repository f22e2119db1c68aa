"""Filter Transition Network (arXiv 2010.02270, section 3): a tiny network per convolution that maps its filters."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FilterTransition(nn.Module):
    """Maps the filters of one convolution: two grouped 1x1 convolutions over ``Cin`` and a PReLU between them.

    A filter bank ``Cout x Cin x k x k`` is read as ``Cout`` images of ``Cin`` channels. All starts as the identity
    (unit matrices, slope 1, bias 0), which is exact: an untrained transition returns its input bit for bit.

    Args:
        inputs: the convolution's ``Cin``.
        groups: groups of the 1x1 convolutions; where it does not divide ``Cin``, the largest divisor below it.
    """

    def __init__(self, inputs: int, groups: int) -> None:
        super().__init__()
        self.groups = next(g for g in range(min(groups, inputs), 0, -1) if inputs % g == 0)
        width = inputs // self.groups
        eye = torch.eye(width).repeat(self.groups, 1, 1)  # G x Cin/G x Cin/G
        self.weight1 = nn.Parameter(eye.clone())
        self.bias1 = nn.Parameter(torch.zeros(inputs))
        self.slope = nn.Parameter(torch.ones(inputs))
        self.weight2 = nn.Parameter(eye.clone())
        self.bias2 = nn.Parameter(torch.zeros(inputs))

    def forward(self, filters: Tensor) -> Tensor:
        """``Cout x Cin x k x k`` to the same shape and memory layout."""
        # a matrix product, not conv2d: on CUDA convolutions run in TF32 by default, which would not be exact
        h = self._mix(filters.flatten(2), self.weight1, self.bias1)
        h = self._mix(F.prelu(h, self.slope), self.weight2, self.bias2)
        last = filters.is_contiguous(memory_format=torch.channels_last)
        return h.view_as(filters).contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)

    def _mix(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Grouped 1x1 convolution of ``Cout x Cin x kk``."""
        grouped = x.unflatten(1, (self.groups, -1))  # Cout x G x Cin/G x kk
        return (weight @ grouped).flatten(1, 2) + bias[:, None]


class Ftn(nn.Module):
    """A filter transition for every convolution of a base network.

    ``forward`` takes the base's named parameters and returns the level's filters, by the same names. Interpolating
    them with the base's is the paper's equation 3: ``W(alpha) = (1 - alpha) W + alpha FTN(W)``.
    """

    def __init__(self, base: nn.Module, groups: int) -> None:
        super().__init__()
        self.names = [f"{name}.weight" for name, module in base.named_modules() if isinstance(module, nn.Conv2d)]
        filters = dict(base.named_parameters())
        self.filters = nn.ModuleList(FilterTransition(filters[name].shape[1], groups) for name in self.names)

    def forward(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        # filters stay in full precision: a rounding here would be a different network
        with torch.autocast(state[self.names[0]].device.type, enabled=False):
            return {name: f(state[name]) for name, f in zip(self.names, self.filters, strict=True)}
