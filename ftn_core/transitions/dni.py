"""Deep Network Interpolation (arXiv 1811.10515): the whole network fine-tuned, all its parameters interpolated."""

from collections.abc import Mapping

from torch import Tensor, nn

from ftn_core.transitions.transition import State, Transition


class Dni(Transition):
    """Parameters of the level's own for everything in the base, from which they start (the paper's equation 2)."""

    def __init__(self, base: nn.Module, ratio: float) -> None:
        super().__init__()
        parameters = dict(base.named_parameters())
        self._names = list(parameters)
        self.parameters_ = nn.ParameterList(value.detach().clone() for value in parameters.values())

    def forward(self, state: Mapping[str, Tensor]) -> State:
        return dict(zip(self._names, self.parameters_, strict=True))
