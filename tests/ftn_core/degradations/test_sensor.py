import hashlib

import numpy as np
import pytest

from ftn_core.degradations.degradation import Degradation
from ftn_core.degradations.sensor import LIGHT, demosaicked, raw_noise, shot_noise, to_light

DEGRADE = Degradation.build([{"name": "sensor", "grain": "level"}])
WHITE = 2**14
"""On the sensor."""


def flat(value, side=256):
    return np.full((3, side, side), value, np.uint8)


def test_the_same_bytes_on_every_machine():
    # golden: computed once; a machine or library that differs in the last bit fails here
    pixels = (np.arange(3 * 41 * 50) % 256).astype(np.uint8).reshape(3, 41, 50)
    assert hashlib.sha256(DEGRADE(pixels, 0.1, seed=0).tobytes()).hexdigest() == GOLDEN


@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 3, 5), (3, 64, 41)])
def test_at_level_0_nothing_happens(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    np.testing.assert_array_equal(DEGRADE(pixels, 0), pixels)
    every = np.tile(np.arange(256, dtype=np.uint8), (3, 4, 1))
    np.testing.assert_array_equal(DEGRADE(every, 0), every)


@pytest.mark.parametrize("value", [0, 20, 128, 200, 255])
@pytest.mark.parametrize("level", [0.02, 0.1, 0.3])
def test_the_variance_is_that_of_shot_and_read_noise_in_linear_light(value, level):
    light = to_light(flat(value))
    noise = raw_noise(light, level, 0) / WHITE
    shot = shot_noise(level)
    assert noise.var() == pytest.approx(shot * light[0, 0, 0] / LIGHT + shot**2, rel=0.03)
    assert abs(noise.mean()) < 4 * noise.std() / 256


@pytest.mark.parametrize("level", [2 / 255, 10 / 255, 75 / 255])
def test_a_level_is_the_standard_deviation_on_mid_grey_before_demosaicking(level):
    light = to_light(flat(128))
    noise = raw_noise(light, level, 0) / WHITE * LIGHT
    lights = to_light(np.arange(256, dtype=np.uint8))
    slope = 2 / 255 / (lights[129] - lights[127])
    assert (noise * slope).std() == pytest.approx(level, rel=0.02)


def test_a_saturated_colour_reaches_the_other_sites_of_the_sensor():
    red = np.stack([flat(255)[0], flat(0)[0], flat(0)[0]])
    noise = raw_noise(to_light(red), 0.1, 0).astype(float)
    assert noise[::2, ::2].std() > 2 * noise[::2, 1::2].std() > 2 * noise[1::2, 1::2].std()
    black = raw_noise(to_light(flat(0)), 0.1, 0).astype(float)
    assert noise[1::2, 1::2].std() > 1.05 * black.std()


def test_what_is_linear_is_demosaicked_without_a_loss():
    y, x = np.mgrid[:20, :24]
    plane = (3 * x + 5 * y)[None] + np.array([100, 200, 400])[:, None, None]
    raw = plane[1].copy()
    raw[::2, ::2], raw[1::2, 1::2] = plane[0, ::2, ::2], plane[2, 1::2, 1::2]
    inner = (slice(None), slice(2, -2), slice(2, -2))
    np.testing.assert_array_equal(demosaicked(raw.astype(np.int32))[inner], 16 * plane[inner])


@pytest.mark.parametrize("value", [40, 90, 128, 200])
def test_the_mean_of_a_flat_patch_stays(value):
    assert DEGRADE(flat(value), 5 / 255).mean((1, 2)) == pytest.approx(value, abs=0.3)


def test_noise_is_smoother_than_white_noise():
    noise = DEGRADE(flat(128), 10 / 255).astype(float) - 128
    coarser = noise.reshape(3, 128, 2, 128, 2).sum((2, 4)) / 2
    finest = 1 - np.square(coarser).sum() / np.square(noise).sum()
    assert 0.4 < finest < 0.65  # of white noise 0.75


def test_noise_depends_on_seed_photograph_and_level_alone():
    def noise(value=128, level=0.1, seed=0):
        return DEGRADE(flat(value, 64), level, seed).astype(float) - value

    np.testing.assert_array_equal(noise(), noise())
    for other in (noise(seed=1), noise(value=127), noise(level=0.11)):
        assert abs(np.corrcoef(noise().ravel(), other.ravel())[0, 1]) < 0.06


def test_between_two_steps_a_photograph_is_compressed_as_it_is():
    both = Degradation.build([{"name": "sensor", "grain": "level"}, {"name": "jpeg", "quality": 90}])
    jpeg = Degradation.build([{"name": "jpeg", "quality": 90}])
    np.testing.assert_array_equal(both(flat(90, 64), 0.1, 3), jpeg(DEGRADE(flat(90, 64), 0.1, 3), 0.1))


GOLDEN = "acec01371e7b0e4976766f05ee71d64a7608c945663583fd53e132dc8f47e33f"
"""Of a photograph with all values."""
