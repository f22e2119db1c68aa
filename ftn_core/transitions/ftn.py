"""Filter Transition Network (arXiv 2010.02270, section 3): a tiny network per convolution that maps its filters."""

from collections import defaultdict
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FilterTransitions(nn.Module):
    """Maps the filters of ``count`` convolutions, each by its own two grouped 1x1 convolutions and a PReLU between.

    A filter bank ``Cout x Cin x k x k`` is read as ``Cout`` images of ``Cin`` channels. All starts as the identity
    (unit matrices, slope 1, bias 0), which is exact: an untrained transition returns its input bit for bit.

    The filters of one shape go through together, their weights in one tensor: a network has dozens of small banks, and
    so many calls would cost more than their arithmetic.

    Args:
        count: convolutions ``L`` whose filters have one shape.
        inputs: their ``Cin``.
        groups: groups of the 1x1 convolutions; where it does not divide ``Cin``, the largest divisor below it.
    """

    def __init__(self, count: int, inputs: int, groups: int) -> None:
        super().__init__()
        self.groups = next(g for g in range(min(groups, inputs), 0, -1) if inputs % g == 0)
        width = inputs // self.groups
        # L*G x Cin/G x Cin/G: a fourth axis would be taken for an image's when a network changes its memory layout
        eye = torch.eye(width).repeat(count * self.groups, 1, 1)
        self.weight1 = nn.Parameter(eye.clone())
        self.bias1 = nn.Parameter(torch.zeros(count, 1, inputs))
        self.slope = nn.Parameter(torch.ones(count, 1, inputs))
        self.weight2 = nn.Parameter(eye.clone())
        self.bias2 = nn.Parameter(torch.zeros(count, 1, inputs))

    def forward(self, filters: Tensor) -> Tensor:
        """``L x Cout x Cin x k x k`` to the same shape."""
        x = filters.permute(0, 1, 3, 4, 2)  # L x Cout x k x k x Cin
        h = self._mix(x.flatten(1, 3), self.weight1, self.bias1)
        h = torch.addcmul(F.relu(h), self.slope, h.clamp_max(0))  # PReLU
        return self._mix(h, self.weight2, self.bias2).view(x.shape).permute(0, 1, 4, 2, 3)

    def _mix(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        # One matrix product, zeros between the groups: so narrow, groups would cost more than they save. Not conv2d:
        # on CUDA convolutions run in TF32 by default, which would not be exact.
        apart = torch.eye(self.groups, device=x.device)[:, None, :, None]  # G x 1 x G x 1
        width = weight.shape[1]
        dense = weight.view(len(x), self.groups, width, 1, width) * apart
        dense = dense.view(len(x), self.groups * width, -1)  # L x Cin x Cin
        return torch.baddbmm(bias, x, dense.mT)


class Ftn(nn.Module):
    """A filter transition for every convolution of a base network.

    ``forward`` takes the base's named parameters and returns the level's filters, by the same names. Interpolating
    them with the base's is the paper's equation 3: ``W(alpha) = (1 - alpha) W + alpha FTN(W)``.
    """

    def __init__(self, base: nn.Module, groups: int) -> None:
        super().__init__()
        self.names = [f"{name}.weight" for name, module in base.named_modules() if isinstance(module, nn.Conv2d)]
        alike: dict[torch.Size, list[str]] = defaultdict(list)
        filters = dict(base.named_parameters())
        for name in self.names:
            alike[filters[name].shape].append(name)
        self._alike = list(alike.values())
        self.transitions = nn.ModuleList(
            FilterTransitions(len(names), shape[1], groups) for shape, names in alike.items()
        )

    def forward(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        mapped: dict[str, Tensor] = {}
        # filters stay in full precision: a rounding here would be a different network
        with torch.autocast(state[self.names[0]].device.type, enabled=False):
            for names, transitions in zip(self._alike, self.transitions, strict=True):
                # in channels_last the transitions' own order of values is the filters' order in memory
                filters = transitions(torch.stack([state[name] for name in names]))
                mapped |= {
                    name: level.contiguous(memory_format=_layout(state[name]))
                    for name, level in zip(names, filters.unbind(), strict=True)
                }
        return {name: mapped[name] for name in self.names}


def _layout(filters: Tensor) -> torch.memory_format:
    last = filters.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format
