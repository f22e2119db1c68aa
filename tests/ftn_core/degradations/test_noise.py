import hashlib
import math

import numpy as np
import pytest

from ftn_core.degradations.noise import _quantiles, add_noise, standard_normal


def test_the_same_bytes_on_every_machine():
    # golden: computed once; a machine or library that differs in the last bit fails here
    noise = standard_normal(100_000, 0, "golden")
    assert hashlib.sha256(noise.tobytes()).hexdigest() == GOLDEN_NORMAL
    pixels = (np.arange(3 * 40 * 50) % 256).astype(np.uint8).reshape(3, 40, 50)
    noisy = add_noise(pixels, 0.2, seed=0, clip=False)
    assert hashlib.sha256(noisy.tobytes()).hexdigest() == GOLDEN_NOISY


def test_noise_is_standard_normal():
    z = standard_normal(2_000_000, 1).astype(np.float64)
    assert abs(z.mean()) < 0.003
    assert abs(z.std() - 1) < 0.002
    assert abs((z**3).mean()) < 0.01
    assert abs((z**4).mean() - 3) < 0.03
    assert 4.5 < np.abs(z).max() < 6.5
    # the share beyond 2 and 3 standard deviations
    assert abs((np.abs(z) > 2).mean() - 0.0455) < 0.001
    assert abs((np.abs(z) > 3).mean() - 0.0027) < 0.0003
    assert abs(np.corrcoef(z[:-1], z[1:])[0, 1]) < 0.003


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7])
def test_any_size(size):
    assert standard_normal(size, 0).shape == (size,)


@pytest.mark.parametrize("size", [1, 15, 16, 17, 1001])
@pytest.mark.parametrize(("start", "stop"), [(0, 7), (3, 40), (16, 17), (500, 1001)])
def test_a_stretch_is_that_stretch_of_the_whole(size, start, stop):
    start, stop = min(start, size - 1), min(stop, size)
    stretch = standard_normal(size, "key", start=start, stop=stop)
    np.testing.assert_array_equal(stretch, standard_normal(size, "key")[start:stop])


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 301, 293), (3, 300, 401), (3, 409, 641)])
def test_chunks_are_parts_of_the_whole_formula(shape, clip):
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    size = pixels.size
    key = (5, shape, hashlib.sha256(pixels.tobytes()).hexdigest(), 0.3)
    digest = hashlib.sha256(repr(key).encode()).digest()
    bits = np.random.Philox(key=int.from_bytes(digest[:16], "little"))
    words = bits.random_raw(size).astype("<u8").view("<u2")
    noise = (_quantiles()[words[:size]] + _quantiles()[words[size : 2 * size]]) * np.float32(math.sqrt(0.5))
    noisy = noise.reshape(shape) * np.float32(0.3) + pixels.astype(np.float32) / np.float32(255)
    expected = (noisy.clip(0, 1) if clip else noisy).astype(np.float16)
    np.testing.assert_array_equal(add_noise(pixels, 0.3, 5, clip).view(np.uint16), expected.view(np.uint16))


def test_noise_depends_on_seed_image_and_sigma():
    a = np.full((3, 32, 32), 128, np.uint8)
    b = np.full((3, 32, 32), 127, np.uint8)

    def noise(pixels, sigma=0.2, seed=0):
        return (add_noise(pixels, sigma, seed, clip=False).astype(np.float32) - pixels / 255) / sigma

    np.testing.assert_array_equal(noise(a), noise(a))
    for other in (noise(b), noise(a, sigma=0.3), noise(a, seed=1)):
        assert abs(np.corrcoef(noise(a).ravel(), other.ravel())[0, 1]) < 0.06


def test_noise_is_clipped_only_on_demand():
    white = np.full((3, 64, 64), 255, np.uint8)
    assert add_noise(white, 0.2, 0, clip=False).max() > 1.5
    assert add_noise(white, 0.2, 0, clip=True).max() == 1


GOLDEN_NORMAL = "8da23434c006625f9f60281aaa5d62e186992304879c38f101ba59333d67403c"
GOLDEN_NOISY = "d12d18068cd313dbfefb427eda4a3a088bdbc9504f9218387ad43e255a12cd2f"
