"""What an estimate of the noise looks at: how strong three bands are in the smoothest parts of a picture."""

import numpy as np
from numpy.typing import NDArray

_COLOURS = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
"""Brightness and two colour differences; white noise has the same sigma in each."""
_BLOCKS = (8, 4, 2)
"""Side in coefficients of the blocks of each band: 16 pixels in each."""
_PERCENTILES = (10, 30, 50, 80)
"""Of the blocks' energies. The last tells how much detail there is to lose."""
COUNT = 3 * 2 * 3 * len(_PERCENTILES)
OFFSET = 0.3
"""Sigma of 255 that is added before the logarithm: rounding to 8 bits has about this."""


def features(pixels: NDArray) -> NDArray:
    """Logarithms of the energy of Haar details, ``COUNT`` numbers.

    Noise is everywhere and texture is not, so the noise is what the smoothest blocks have. A camera's noise is smooth:
    it is stronger in coarse bands than white noise, and weaker in the finest. So one band alone does not tell it.

    Args:
        pixels: ``H x W x 3`` on the scale [0, 1], at least 16 pixels a side.
    """
    image = np.einsum("ij,hwj->ihw", _COLOURS, pixels.astype(np.float64))
    found = []
    for side in _BLOCKS:
        image = image[:, : image.shape[1] // 2 * 2, : image.shape[2] // 2 * 2]
        a, b, c, d = image[:, ::2, ::2], image[:, ::2, 1::2], image[:, 1::2, ::2], image[:, 1::2, 1::2]
        across, down, diagonal = (a - b + c - d) / 2, (a + b - c - d) / 2, (a - b - c + d) / 2
        image = (a + b + c + d) / 2
        for energy in ((across**2 + down**2) / 2, diagonal**2):
            found.append(np.percentile(_means(energy, side), _PERCENTILES, axis=1))
    return np.log(255 * np.sqrt(np.stack(found)).reshape(-1) + OFFSET)


def finest_diagonals(found: NDArray) -> NDArray:
    """Of ``features``: the finest diagonals of brightness, from the smoothest parts to the most textured ones."""
    return found.reshape(3, 2, len(_PERCENTILES), 3)[0, 1, :, 0]


def _means(energy: NDArray, side: int) -> NDArray:
    """Means over blocks, ``3 x blocks``; what does not fill a block is left out."""
    height, width = energy.shape[1] // side, energy.shape[2] // side
    blocks = energy[:, : height * side, : width * side].reshape(3, height, side, width, side)
    return blocks.mean(axis=(2, 4)).reshape(3, -1)
