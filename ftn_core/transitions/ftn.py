"""Filter Transition Network (arXiv 2010.02270, section 3): a tiny network per convolution that maps its filters."""

from collections import defaultdict
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ftn_core.denoiser.transition import State, Transition, convolutions, match_memory_format


class FilterTransitions(nn.Module):
    """Maps the filters of ``count`` convolutions, each by its own grouped 1x1 convolutions with PReLUs between them.

    A filter bank ``Cout x Cin x k x k`` is read as ``Cout`` images of ``Cin`` channels. All layers start as the exact
    identity (unit matrices, slope 1, bias 0): an untrained transition returns its input bit for bit.

    All banks of one shape are mapped in one call, with their weights in one tensor. A network has dozens of small
    banks, and a call for each would cost more than its arithmetic.

    Args:
        count: number ``L`` of convolutions whose filters have this shape.
        inputs: their ``Cin``.
        groups: of the 1x1 convolutions; if it does not divide ``Cin``, the largest smaller divisor is used.
        layers: number of 1x1 convolutions in sequence.
    """

    def __init__(self, count: int, inputs: int, groups: int, layers: int) -> None:
        super().__init__()
        self.groups = next(g for g in range(min(groups, inputs), 0, -1) if inputs % g == 0)
        width = inputs // self.groups
        # L*G x Cin/G x Cin/G, because network.to(memory_format=...) would change the layout of four axes
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
        # One matrix product with zeros between the groups: the groups are so narrow that separate products cost more
        # than they save. Not conv2d: on CUDA it uses TF32 by default, which is not exact.
        weight = self.weights[layer]
        block_diagonal = torch.eye(self.groups, device=x.device)[:, None, :, None]  # G x 1 x G x 1
        width = weight.shape[1]
        dense = weight.view(len(x), self.groups, width, 1, width) * block_diagonal
        dense = dense.view(len(x), self.groups * width, -1)  # L x Cin x Cin
        return torch.baddbmm(self.biases[layer], x, dense.mT)


class Ftn(Transition):
    """A filter transition for each convolution of a base network.

    The dial interpolates between the base's filters and the mapped ones (the paper's equation 3):
    ``W(alpha) = (1 - alpha) W + alpha FTN(W)``.

    Args:
        groups: of the 1x1 convolutions.
        layers: number of 1x1 convolutions, with PReLUs between them.
        where: which convolutions have a transition: ``all``, or those of the ``body``.
        biases: whether the level also has its own biases and norms. The paper's FTN does not change them.
    """

    def __init__(
        self, base: nn.Module, ratio: float, *, groups: int, layers: int = 2, where: str = "all", biases: bool = False
    ) -> None:
        super().__init__()
        state = dict(base.named_parameters())
        convs = convolutions(base, where)
        by_shape: dict[torch.Size, list[str]] = defaultdict(list)
        for name in convs:
            by_shape[state[f"{name}.weight"].shape].append(f"{name}.weight")
        self._names_by_shape = list(by_shape.values())
        self.transitions = nn.ModuleList(
            FilterTransitions(len(names), shape[1], groups, layers) for shape, names in by_shape.items()
        )
        filters = {f"{name}.weight" for name in convolutions(base)}
        here = "" if where == "all" else "body."
        self._biased = [name for name in state if biases and name not in filters and name.startswith(here)]
        self.biases = nn.ParameterList(state[name].detach().clone() for name in self._biased)

    def forward(self, state: Mapping[str, Tensor]) -> State:
        level: State = dict(zip(self._biased, self.biases, strict=True))
        # filters stay in full precision: rounding here would give a different network
        with torch.autocast(state[self._names_by_shape[0][0]].device.type, enabled=False):
            for names, transitions in zip(self._names_by_shape, self.transitions, strict=True):
                # channels_last filters are already in the order in which the transitions work
                filters = transitions(torch.stack([state[name] for name in names]))
                level |= {
                    name: match_memory_format(bank, state[name])
                    for name, bank in zip(names, filters.unbind(), strict=True)
                }
        return level
