"""Deep Network Interpolation (arXiv 1811.10515): finetune the whole network, interpolate all its parameters."""

from collections.abc import Mapping

from torch import Tensor, nn

from ftn_core.denoiser.transition import State, Transition, rescaled


class Dni(Transition):
    """A level-specific copy of every parameter of the base (the paper's equation 2).

    Args:
        rescale: whether the copies start at the base rescaled to the level, not at the base itself. This is our
            addition (docs/scale-mix.md).
    """

    def __init__(self, base: nn.Module, ratio: float, *, rescale: bool = False) -> None:
        super().__init__()
        start = rescaled(base, ratio if rescale else 1)
        self._names = list(start)
        self.parameters_ = nn.ParameterList(value.clone() for value in start.values())

    def forward(self, state: Mapping[str, Tensor]) -> State:
        return dict(zip(self._names, self.parameters_, strict=True))
