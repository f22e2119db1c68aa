import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, zoom
from skimage import data

from ftn_core.degradations.degradation import Degradation
from ftn_core.degradations.jpeg import Jpeg
from ftn_core.noise_level.estimate import (
    estimate_sigma,
    from_features,
    is_camera_noise,
    sample_patches,
    wavelet_sigma,
)
from ftn_core.noise_level.features import features
from ftn_core.released.ffdnet import published_ffdnet
from ftn_core.runtime.images import restore, to_image
from ftn_core.runtime.psnr import psnr


def noisy(sigma: float, clip: bool, seed: int = 0) -> torch.Tensor:
    """A photograph with noise, ``1 x 3 x H x W``."""
    clean = data.astronaut().astype(np.float32) / 255
    image = clean + sigma * np.random.default_rng(seed).standard_normal(clean.shape, np.float32)
    if clip:
        image = np.round(image.clip(0, 1) * 255) / 255
    return torch.from_numpy(image).permute(2, 0, 1)[None]


@pytest.mark.parametrize("sigma", [0.05, 0.1, 0.2, 0.4, 0.6])
def test_known_noise_is_found(sigma):
    assert estimate_sigma(noisy(sigma, clip=False)) == pytest.approx(sigma, rel=0.12)


def test_of_clipped_noise_it_finds_what_is_left_to_see():
    assert estimate_sigma(noisy(0.1, clip=True)) == pytest.approx(0.1, rel=0.25)
    assert 0.5 * 0.6 < estimate_sigma(noisy(0.6, clip=True)) < 0.75 * 0.6


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (64, 64)])
def test_where_nothing_varies_there_is_no_noise(value, shape):
    assert estimate_sigma(torch.full((1, 3, *shape), value)) == 0.0


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 1.5), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_any_image_has_a_finite_estimate(height, width, sigma, brightness, seed):
    noise = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(seed))
    assert 0 <= estimate_sigma((brightness + sigma * noise).clamp(0, 1)) <= 1.5


def test_of_a_large_picture_patches_are_enough():
    pixels = np.random.default_rng(0).integers(100, 156, (2100, 1700, 3), np.uint8)
    patches = sample_patches(pixels)
    assert patches.shape == (512, 9 * 512, 3)
    image = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None]
    assert estimate_sigma(image) == pytest.approx(56 / 255 / 12**0.5, rel=0.2)  # no detail to lose: somewhat more


def test_a_cameras_noise_is_restored_better_than_at_its_standard_deviation():
    """It is smooth, so a dial for white noise has to stand higher."""
    clean = data.astronaut().transpose(2, 0, 1)
    taken = Degradation.build([{"name": "sensor", "grain": "level"}, {"name": "jpeg", "quality": 90}])(clean, 12 / 255)
    noisy, model = to_image(taken), published_ffdnet()

    def reached(sigma: float) -> float:
        return psnr(restore(model.fold(model.position(sigma)), noisy), to_image(clean))

    own = float((noisy - to_image(clean)).std())
    wavelets = wavelet_sigma(noisy[0].permute(1, 2, 0).numpy())
    assert reached(estimate_sigma(noisy)) > max(reached(own), reached(wavelets)) + 0.3


def test_noise_as_smooth_as_a_cameras_is_recognised():
    """On a soft photograph, as cameras take them at full size; the level is nearer to the best one then."""
    clean = zoom(data.astronaut()[100:300, 100:300] / 255, (2.5, 2.5, 1), order=3).clip(0, 1)
    noise = gaussian_filter(np.random.default_rng(0).standard_normal(clean.shape), (1.8, 1.8, 0))
    noise += noise.mean(axis=2, keepdims=True)  # less of it in colours
    pixels = np.round((clean + 9 / 255 * noise / noise.std()).clip(0, 1) * 255) / 255
    seen, (taken, ideal) = (
        features(pixels),
        (torch.from_numpy(x).permute(2, 0, 1)[None].float() for x in (pixels, clean)),
    )
    assert is_camera_noise(seen, from_features(seen))
    model = published_ffdnet()
    lower, higher = (
        psnr(restore(model.fold(model.position(sigma)), taken), ideal)
        for sigma in (from_features(seen), estimate_sigma(taken))
    )
    assert higher > lower + 0.2


@pytest.mark.parametrize("sigma", [0.01, 0.02, 0.05, 0.1])
def test_white_noise_is_not_a_cameras(sigma):
    seen = features(noisy(sigma, clip=True)[0].permute(1, 2, 0).numpy())
    assert not is_camera_noise(seen, from_features(seen))


@pytest.mark.parametrize("quality", [60, 75, 85, 95])
@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_jpeg_alone_is_not_a_cameras_noise(name, quality):
    compressed = Jpeg(None)(getattr(data, name)().transpose(2, 0, 1), quality, 0)
    seen = features(compressed.transpose(1, 2, 0) / 255)
    assert not is_camera_noise(seen, from_features(seen))
