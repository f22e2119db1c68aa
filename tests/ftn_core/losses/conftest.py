"""VGG16's features with really trained weights, as the installed package has them."""

from pathlib import Path

import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data

from ftn_core.sources.vgg16_weights import read_weights


@pytest.fixture(scope="session")
def weights():
    return read_weights("stlpips", "relu4_3", Path())


@pytest.fixture(scope="session")
def photograph():
    return torch.from_numpy(data.astronaut()[40:168, 150:278].transpose(2, 0, 1) / 255).float()[None]


@pytest.fixture(scope="session")
def blurred(photograph):
    return lambda sigma: torch.from_numpy(gaussian_filter(photograph.numpy(), (0, 0, sigma, sigma)))
