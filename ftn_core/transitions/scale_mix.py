"""Our own method: the base is rescaled to the level, and its filters are scaled and mixed (docs/scale-mix.md)."""

from collections import defaultdict
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ftn_core.denoiser.transition import State, Transition, convolutions, match_memory_format, rescaled


class ScaleMix(Transition):
    """Scales and mixes the base's filters along each of their axes; all other parameters are level-specific.

    A filter bank ``W``, ``Cout x Cin x k*k``, is changed along each axis in turn:

    - Each convolution has its own scale for each output channel and each input channel.
    - Each convolution has its own mix of the ``k*k`` taps.
    - In the body, many convolutions share one mix of the input channels and one of the output channels. They can,
      because the skips make all of them read and write the same features.

    All parameters but the filters (biases, batch norm's weights) start as those of the rescaled base. The dial is then
    close to linear in sigma from the first step on.

    Args:
        mixes: number of pairs of shared mixes; each pair serves the same number of consecutive body convolutions.
        groups: of channels that mix with each other; if it does not divide the number of channels, the largest smaller
            divisor is used.
    """

    def __init__(self, base: nn.Module, ratio: float, *, mixes: int, groups: int) -> None:
        super().__init__()
        state = dict(base.named_parameters())
        by_shape: dict[tuple[torch.Size, bool], list[str]] = defaultdict(list)
        for name in convolutions(base):
            shape = state[f"{name}.weight"].shape
            by_shape[shape, name.startswith("body.") and shape[0] == shape[1]].append(f"{name}.weight")
        self._names_by_shape = list(by_shape.values())
        self.banks = nn.ModuleList(
            _Bank(len(names), shape, mixes if mixed else 0, groups) for (shape, mixed), names in by_shape.items()
        )
        filters = {name for names in self._names_by_shape for name in names}
        self._others = [name for name in state if name not in filters]
        start = rescaled(base, ratio)
        self.others = nn.ParameterList(start[name] for name in self._others)

    def forward(self, state: Mapping[str, Tensor]) -> State:
        level: State = dict(zip(self._others, self.others, strict=True))
        # filters stay in full precision: rounding here would give a different network
        with torch.autocast(state[self._names_by_shape[0][0]].device.type, enabled=False):
            for names, bank in zip(self._names_by_shape, self.banks, strict=True):
                filters = bank(torch.stack([state[name] for name in names]))
                level |= {
                    name: match_memory_format(w, state[name]) for name, w in zip(names, filters.unbind(), strict=True)
                }
        return level


class _Bank(nn.Module):
    """Scales and mixes the filters of all convolutions of one shape, ``L x Cout x Cin x k x k``; starts as identity."""

    def __init__(self, count: int, shape: torch.Size, mixes: int, groups: int) -> None:
        super().__init__()
        outputs, inputs, height, width = shape
        taps = height * width
        self.outputs = nn.Parameter(torch.zeros(count, outputs))
        self.inputs = nn.Parameter(torch.zeros(count, inputs))
        self.taps = nn.Parameter(torch.zeros(count, taps, taps))
        self.groups = next(g for g in range(min(groups, inputs), 0, -1) if inputs % g == 0)
        narrow = inputs // self.groups
        # the index of the shared mix that each convolution uses
        self._mix_index = [i * mixes // count for i in range(count)]
        self.mix_in = nn.Parameter(torch.zeros(mixes * self.groups, narrow, narrow)) if mixes else None
        self.mix_out = nn.Parameter(torch.zeros(mixes * self.groups, narrow, narrow)) if mixes else None

    def forward(self, filters: Tensor) -> Tensor:
        count, outputs, inputs = filters.shape[:3]
        w = filters.flatten(3) * (1 + self.inputs)[:, None, :, None] * (1 + self.outputs)[:, :, None, None]
        w = torch.baddbmm(w.flatten(1, 2), w.flatten(1, 2), self.taps)  # L x Cout*Cin x k*k
        if self.mix_in is not None and self.mix_out is not None:
            w = w.view(count, outputs, inputs, -1)
            w = w + torch.einsum("loik,lij->lojk", w, self._dense(self.mix_in))
            w = torch.baddbmm(w.flatten(2), self._dense(self.mix_out), w.flatten(2))
        return w.view(filters.shape)

    def _dense(self, mix: Tensor) -> Tensor:
        """The mix of each convolution as a matrix with zeros between the groups, ``L x C x C``."""
        width = mix.shape[-1]
        block_diagonal = torch.eye(self.groups, device=mix.device)[:, None, :, None]  # G x 1 x G x 1
        dense = mix.view(-1, self.groups, width, 1, width) * block_diagonal
        return dense.view(len(dense), self.groups * width, -1)[self._mix_index]
