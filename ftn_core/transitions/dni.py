"""Deep Network Interpolation (arXiv 1811.10515): the whole network fine-tuned, all its parameters interpolated."""

from collections.abc import Mapping

from torch import Tensor, nn

from ftn_core.denoiser.transition import State, Transition, rescaled


class Dni(Transition):
    """Parameters of the level's own for everything in the base, from which they start (the paper's equation 2).

    Args:
        rescale: start from the base rescaled to the level instead, which is ours (docs/scale-mix.md).
    """

    def __init__(self, base: nn.Module, ratio: float, *, rescale: bool = False) -> None:
        super().__init__()
        start = rescaled(base, ratio if rescale else 1)
        self._names = list(start)
        self.parameters_ = nn.ParameterList(value.clone() for value in start.values())

    def forward(self, state: Mapping[str, Tensor]) -> State:
        return dict(zip(self._names, self.parameters_, strict=True))
