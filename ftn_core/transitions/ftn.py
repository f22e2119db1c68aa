"""Filter Transition Network (arXiv 2010.02270, section 3): a tiny network per convolution that maps its filters."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import cast

import torch
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
        return transit([self], [filters])[0]


def transit(maps: Sequence[FilterTransition], filters: Sequence[Tensor]) -> list[Tensor]:
    """Filter banks of one shape, ``Cout x Cin x k x k``, each through its own map; shape and memory layout stay.

    All at once: a network has dozens of small banks, and so many calls would cost more than their arithmetic.
    """
    inputs, groups = filters[0].shape[1], maps[0].groups

    def stacked(name: str) -> Tensor:
        return torch.stack([getattr(m, name) for m in maps])

    def mix(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        # a matrix product, not conv2d: on CUDA convolutions run in TF32 by default, which would not be exact
        grouped = x.unflatten(2, (groups, -1)).transpose(1, 2)  # L x G x Cout*k*k x Cin/G
        return (grouped @ weight.mT).transpose(1, 2).flatten(2) + bias[:, None]

    x = torch.stack([f.permute(0, 2, 3, 1).reshape(-1, inputs) for f in filters])  # L x Cout*k*k x Cin
    h = mix(x, stacked("weight1"), stacked("bias1"))
    h = torch.where(h > 0, h, stacked("slope")[:, None] * h)
    h = mix(h, stacked("weight2"), stacked("bias2"))
    last = filters[0].is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if last else torch.contiguous_format
    rows, columns = filters[0].shape[2:]
    images = h.unflatten(1, (-1, rows, columns)).permute(0, 1, 4, 2, 3)  # L x Cout x Cin x k x k
    return [image.contiguous(memory_format=layout) for image in images.unbind()]


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
            alike: dict[torch.Size, list[int]] = defaultdict(list)
            for i, name in enumerate(self.names):
                alike[state[name].shape].append(i)
            mapped: dict[str, Tensor] = {}
            for indices in alike.values():
                names = [self.names[i] for i in indices]
                maps = [cast(FilterTransition, self.filters[i]) for i in indices]
                mapped.update(zip(names, transit(maps, [state[name] for name in names]), strict=True))
            return {name: mapped[name] for name in self.names}
