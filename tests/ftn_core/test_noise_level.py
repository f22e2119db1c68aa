import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data
from skimage.restoration import estimate_sigma as wavelet_sigma

from ftn_core.noise_level import HIGHEST, estimate_sigma, representative


def noisy(sigma: float, clip: bool, seed: int = 0) -> torch.Tensor:
    """A photograph with noise, ``1 x 3 x H x W``."""
    clean = data.astronaut().astype(np.float32) / 255
    image = clean + sigma * np.random.default_rng(seed).standard_normal(clean.shape, np.float32)
    if clip:
        image = np.round(image.clip(0, 1) * 255) / 255
    return torch.from_numpy(image).permute(2, 0, 1)[None]


@pytest.mark.parametrize("sigma", [0.05, 0.1, 0.2, 0.4, 0.6])
@pytest.mark.parametrize("clip", [False, True])
def test_known_noise_is_found(sigma, clip):
    assert estimate_sigma(noisy(sigma, clip)) == pytest.approx(sigma, rel=0.12)


def test_clipping_hides_noise_that_the_estimate_brings_back():
    """Half grey, half so dark that half of the noise is cut off."""
    clean = torch.full((1, 3, 128, 256), 0.5)
    clean[..., 128:] = 0.0
    image = (clean + 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    assert wavelet_sigma(image[0].numpy(), channel_axis=0, average_sigmas=True) < 0.085
    assert estimate_sigma(image) == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (64, 64)])
def test_where_nothing_varies_there_is_no_noise(value, shape):
    assert estimate_sigma(torch.full((1, 3, *shape), value)) == 0.0


def test_black_and_white_alone_has_an_end():
    image = (torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    assert 0.6 < estimate_sigma(image) <= HIGHEST


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 1.5), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_any_image_has_a_finite_estimate(height, width, sigma, brightness, seed):
    noise = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(seed))
    assert 0 <= estimate_sigma((brightness + sigma * noise).clamp(0, 1)) <= HIGHEST


def test_of_a_large_picture_patches_are_enough():
    pixels = np.random.default_rng(0).integers(100, 156, (2100, 1700, 3), np.uint8)
    patches = representative(pixels)
    assert patches.shape == (512, 9 * 512, 3)
    image = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None]
    assert estimate_sigma(image) == pytest.approx(56 / 255 / 12**0.5, rel=0.05)
