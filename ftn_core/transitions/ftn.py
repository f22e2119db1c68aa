"""Filter Transition Network (arXiv 2010.02270, section 3): a tiny network per convolution that maps its filters."""

from collections import defaultdict
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ftn_core.denoiser.transition import State, Transition, convolutions, match_memory_format


class FilterTransitions(nn.Module):
    """Maps the filters of ``count`` convolutions, each by its own two grouped 1x1 convolutions with a PReLU between.

    A filter bank ``Cout x Cin x k x k`` is read as ``Cout`` channels at ``Cin * k * k`` positions (the paper's figure
    2): a new filter is a mix of the bank's filters. All layers start as the exact identity (unit matrices, slope 1,
    bias 0): an untrained transition returns its input bit for bit.

    All banks of one shape are mapped in one call, with their weights in one tensor. A network has dozens of small
    banks, and a call for each would cost more than its arithmetic.

    Args:
        count: number ``L`` of convolutions whose filters have this shape.
        outputs: their ``Cout``.
        groups: of the 1x1 convolutions; if it does not divide ``Cout``, the largest smaller divisor is used.
    """

    def __init__(self, count: int, outputs: int, groups: int) -> None:
        super().__init__()
        self.groups = next(g for g in range(min(groups, outputs), 0, -1) if outputs % g == 0)
        width = outputs // self.groups
        # L*G x Cout/G x Cout/G, because network.to(memory_format=...) would change the layout of four axes
        eye = torch.eye(width).repeat(count * self.groups, 1, 1)
        self.weights = nn.ParameterList(eye.clone() for _ in range(2))
        self.biases = nn.ParameterList(torch.zeros(count * self.groups, width, 1) for _ in range(2))
        self.slope = nn.Parameter(torch.ones(count, 1))

    def forward(self, filters: Tensor) -> Tensor:
        """``L x Cout x Cin x k x k`` to the same shape."""
        banks = filters.permute(0, 1, 3, 4, 2)  # L x Cout x k x k x Cin: the order of channels_last in memory
        x = banks.reshape(*self.biases[0].shape[:2], -1)  # L*G x Cout/G x k*k*Cin
        # not conv2d: on CUDA it uses TF32 by default, which is not exact
        h = torch.baddbmm(self.biases[0], self.weights[0], x).view(len(filters), -1)
        h = torch.addcmul(F.relu(h), self.slope, h.clamp_max(0))  # PReLU
        h = torch.baddbmm(self.biases[1], self.weights[1], h.view(x.shape))
        return h.view(banks.shape).permute(0, 1, 4, 2, 3)


class Ftn(Transition):
    """A filter transition for each convolution of a base network.

    The dial interpolates between the base's filters and the mapped ones (the paper's equation 3):
    ``W(alpha) = (1 - alpha) W + alpha FTN(W)``.

    Args:
        groups: of the 1x1 convolutions.
        biases: whether the level also has its own biases and norms. The paper's FTN does not change them.
    """

    def __init__(self, base: nn.Module, ratio: float, *, groups: int, biases: bool = False) -> None:
        super().__init__()
        state = dict(base.named_parameters())
        by_shape: dict[torch.Size, list[str]] = defaultdict(list)
        for name in convolutions(base):
            by_shape[state[f"{name}.weight"].shape].append(f"{name}.weight")
        self._names_by_shape = list(by_shape.values())
        self.transitions = nn.ModuleList(
            FilterTransitions(len(names), shape[0], groups) for shape, names in by_shape.items()
        )
        filters = {name for names in self._names_by_shape for name in names}
        self._biased = [name for name in state if biases and name not in filters]
        self.biases = nn.ParameterList(state[name].detach().clone() for name in self._biased)

    def forward(self, state: Mapping[str, Tensor]) -> State:
        level: State = dict(zip(self._biased, self.biases, strict=True))
        # filters stay in full precision: rounding here would give a different network
        with torch.autocast(state[self._names_by_shape[0][0]].device.type, enabled=False):
            for names, transitions in zip(self._names_by_shape, self.transitions, strict=True):
                filters = transitions(torch.stack([state[name] for name in names]))
                level |= {
                    name: match_memory_format(bank, state[name])
                    for name, bank in zip(names, filters.unbind(), strict=True)
                }
        return level
