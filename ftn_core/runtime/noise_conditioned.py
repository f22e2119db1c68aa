"""Noise-conditioned networks, as FFDNet (arXiv 1710.04026): sigma is one more input channel."""

import torch
from torch import Tensor, nn


class NoiseConditioned(nn.Module):
    """Wraps a network of four input channels as one of three: it appends a map of sigma to the image.

    Args:
        network: takes the image and the map, ``N x 4 x H x W``.
        sigma: of calls that do not give one.
    """

    def __init__(self, network: nn.Module, sigma: float) -> None:
        super().__init__()
        self.network = network
        self.sigma = sigma
        self.radius: int = network.radius  # type: ignore[assignment]

    def forward(self, x: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore images, ``N x 3 x H x W``.

        Args:
            sigma: of each image, ``N x 1 x 1 x 1``, on the scale [0, 1]; None: the attribute ``sigma`` for all.
        """
        level = x.new_full((1, 1, 1, 1), self.sigma) if sigma is None else sigma
        image = torch.cat((x, level.to(x).expand(len(x), 1, *x.shape[2:])), dim=1)
        output: Tensor = self.network(image.contiguous(memory_format=torch.channels_last))
        return output
