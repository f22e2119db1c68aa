"""Filter Transition Network (arXiv 2010.02270, section 3): a tiny network per convolution that maps its filters."""

from collections import defaultdict
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ftn_core.denoiser.transition import State, Transition, convolutions, in_layout_of


class FilterTransitions(nn.Module):
    """Maps the filters of ``count`` convolutions, each by its own grouped 1x1 convolutions with PReLUs between them.

    A filter bank ``Cout x Cin x k x k`` is read as ``Cout`` images of ``Cin`` channels. All starts as the identity
    (unit matrices, slope 1, bias 0), which is exact: an untrained transition returns its input bit for bit.

    The filters of one shape go through together, their weights in one tensor: a network has dozens of small banks, and
    so many calls would cost more than their arithmetic.

    Args:
        count: convolutions ``L`` whose filters have one shape.
        inputs: their ``Cin``.
        groups: groups of the 1x1 convolutions; where it does not divide ``Cin``, the largest divisor below it.
        layers: 1x1 convolutions one after the other.
    """

    def __init__(self, count: int, inputs: int, groups: int, layers: int) -> None:
        super().__init__()
        self.groups = next(g for g in range(min(groups, inputs), 0, -1) if inputs % g == 0)
        width = inputs // self.groups
        # L*G x Cin/G x Cin/G: a fourth axis would be taken for an image's when a network changes its memory layout
        eye = torch.eye(width).repeat(count * self.groups, 1, 1)
        self.weights = nn.ParameterList(eye.clone() for _ in range(layers))
        self.biases = nn.ParameterList(torch.zeros(count, 1, inputs) for _ in range(layers))
        self.slopes = nn.ParameterList(torch.ones(count, 1, inputs) for _ in range(layers - 1))

    def forward(self, filters: Tensor) -> Tensor:
        """``L x Cout x Cin x k x k`` to the same shape."""
        x = filters.permute(0, 1, 3, 4, 2)  # L x Cout x k x k x Cin
        h = self._mix(x.flatten(1, 3), 0)
        for i, slope in enumerate(self.slopes, 1):
            h = torch.addcmul(F.relu(h), slope, h.clamp_max(0))  # PReLU
            h = self._mix(h, i)
        return h.view(x.shape).permute(0, 1, 4, 2, 3)

    def _mix(self, x: Tensor, layer: int) -> Tensor:
        # One matrix product, zeros between the groups: so narrow, groups would cost more than they save. Not conv2d:
        # on CUDA convolutions run in TF32 by default, which would not be exact.
        weight = self.weights[layer]
        apart = torch.eye(self.groups, device=x.device)[:, None, :, None]  # G x 1 x G x 1
        width = weight.shape[1]
        dense = weight.view(len(x), self.groups, width, 1, width) * apart
        dense = dense.view(len(x), self.groups * width, -1)  # L x Cin x Cin
        return torch.baddbmm(self.biases[layer], x, dense.mT)


class Ftn(Transition):
    """A filter transition for each convolution of a base network.

    Interpolating the mapped filters with the base's is the paper's equation 3:
    ``W(alpha) = (1 - alpha) W + alpha FTN(W)``.

    Args:
        groups: of the 1x1 convolutions.
        layers: how many of them, with PReLUs between.
        where: which convolutions have a transition: ``all`` or those of the ``body``.
        biases: whether the level has biases and norms of its own, too. The paper's FTN leaves them as they are.
    """

    def __init__(
        self, base: nn.Module, ratio: float, *, groups: int, layers: int = 2, where: str = "all", biases: bool = False
    ) -> None:
        super().__init__()
        state = dict(base.named_parameters())
        convs = convolutions(base, where)
        alike: dict[torch.Size, list[str]] = defaultdict(list)
        for name in convs:
            alike[state[f"{name}.weight"].shape].append(f"{name}.weight")
        self._alike = list(alike.values())
        self.transitions = nn.ModuleList(
            FilterTransitions(len(names), shape[1], groups, layers) for shape, names in alike.items()
        )
        filters = {f"{name}.weight" for name in convolutions(base)}
        here = "" if where == "all" else "body."
        self._biased = [name for name in state if biases and name not in filters and name.startswith(here)]
        self.biases = nn.ParameterList(state[name].detach().clone() for name in self._biased)

    def forward(self, state: Mapping[str, Tensor]) -> State:
        level: State = dict(zip(self._biased, self.biases, strict=True))
        # filters stay in full precision: a rounding here would be a different network
        with torch.autocast(state[self._alike[0][0]].device.type, enabled=False):
            for names, transitions in zip(self._alike, self.transitions, strict=True):
                # in channels_last the transitions' own order of values is the filters' order in memory
                filters = transitions(torch.stack([state[name] for name in names]))
                level |= {
                    name: in_layout_of(bank, state[name]) for name, bank in zip(names, filters.unbind(), strict=True)
                }
        return level
