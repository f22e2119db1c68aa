"""A network that is told the noise level, as FFDNet is (arXiv 1710.04026): sigma as one more input channel."""

import torch
from torch import Tensor, nn


class NoiseConditioned(nn.Module):
    """A network of four input channels seen as one of three, at a fixed sigma or the one of each call.

    Args:
        network: takes the image and a map of sigma, ``N x 4 x H x W``.
        sigma: what it is told where the call does not say.
    """

    def __init__(self, network: nn.Module, sigma: float) -> None:
        super().__init__()
        self.network = network
        self.sigma = sigma
        self.radius: int = network.radius  # type: ignore[assignment]

    def forward(self, x: Tensor, sigma: Tensor | None = None) -> Tensor:
        """``N x 3 x H x W``, and optionally ``N x 1 x 1 x 1`` sigmas on the same scale."""
        level = x.new_full((1, 1, 1, 1), self.sigma) if sigma is None else sigma
        image = torch.cat((x, level.to(x).expand(len(x), 1, *x.shape[2:])), dim=1)
        output: Tensor = self.network(image.contiguous(memory_format=torch.channels_last))
        return output
