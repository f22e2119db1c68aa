"""AdaFM (arXiv 1904.08118, section 3): a depthwise filter with a skip after each convolution of the residual body."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ftn_core.denoiser.transition import State, Transition, convolutions, extend_receptive_field, match_memory_format


class FilteredConv2d(nn.Conv2d):
    """A convolution followed by a depthwise convolution, ``filter``."""

    filter: nn.Conv2d

    def forward(self, input: Tensor) -> Tensor:
        return self.filter(super().forward(input))


def filtered(network: nn.Module, kernel: int) -> nn.Module:
    """Add a depthwise filter after each convolution of the network's body, in place.

    The new filters are exactly the identity. A network that already has filters is returned unchanged.
    """
    if any(isinstance(module, FilteredConv2d) for module in network.modules()):
        return network
    for name in convolutions(network, "body"):
        conv: nn.Conv2d = network.get_submodule(name)  # type: ignore[assignment]
        depthwise = nn.Conv2d(
            conv.out_channels, conv.out_channels, kernel, padding=kernel // 2, groups=conv.out_channels,
            bias=conv.bias is not None, device=conv.weight.device,
        )  # fmt: skip
        nn.init.dirac_(depthwise.weight, groups=conv.out_channels)
        if depthwise.bias is not None:
            nn.init.zeros_(depthwise.bias)
        conv.__class__ = FilteredConv2d  # its weights keep their names
        conv.filter = depthwise.requires_grad_(conv.weight.requires_grad)
        extend_receptive_field(network, kernel // 2)
    return network


class AdaFM(Transition):
    """Depthwise filters ``g`` and biases ``b`` after each convolution of the body: ``x + g * x + b``.

    ``g`` and ``b`` start at zero, and the dial scales both (the paper's equation 3). With ``kernel`` 1 a filter is one
    number for each channel and folds into the convolution. A larger filter cannot be folded, because both convolutions
    pad with zeros. The network then keeps the filter as a layer, which is the identity at the base. A convolution
    without a bias (batch norm follows it) gets no ``b``.

    Args:
        kernel: side of the filters: 1, 3, 5 or 7.
    """

    def __init__(self, base: nn.Module, ratio: float, *, kernel: int) -> None:
        super().__init__()
        self.kernel = kernel
        self._names = convolutions(base, "body")
        convs: list[nn.Conv2d] = [base.get_submodule(name) for name in self._names]  # type: ignore[misc]
        self._biased = [name for name, conv in zip(self._names, convs, strict=True) if conv.bias is not None]
        # C x k*k, because network.to(memory_format=...) would change the layout of a parameter with four axes
        self.filters = nn.ParameterList(torch.zeros(conv.out_channels, kernel**2) for conv in convs)
        self.biases = nn.ParameterList(torch.zeros(conv.out_channels) for conv in convs if conv.bias is not None)

    def extend(self, network: nn.Module) -> nn.Module:
        return network if self.kernel == 1 else filtered(network, self.kernel)

    def forward(self, state: Mapping[str, Tensor]) -> State:
        level: State = {}
        biases = dict(zip(self._biased, self.biases, strict=True))
        for name, g in zip(self._names, self.filters, strict=True):
            weight = state[f"{name}.weight"]
            if self.kernel == 1:
                level[f"{name}.weight"] = match_memory_format(weight * (1 + g)[..., None, None], weight)
                if name in biases:
                    level[f"{name}.bias"] = torch.addcmul(biases[name], state[f"{name}.bias"], 1 + g[:, 0])
            else:
                identity = F.one_hot(torch.tensor(self.kernel**2 // 2), self.kernel**2).to(g)
                filters = (identity + g).view(-1, 1, self.kernel, self.kernel)
                level[f"{name}.filter.weight"] = match_memory_format(filters, weight)
                if name in biases:
                    level[f"{name}.filter.bias"] = biases[name]
        return level
