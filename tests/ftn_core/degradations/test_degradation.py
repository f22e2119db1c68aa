import hashlib
import io

import numpy as np
import pytest
from PIL import Image
from skimage.data import chelsea
from skimage.metrics import peak_signal_noise_ratio

from ftn_core.degradations.degradation import Degradation

PHOTOGRAPH = np.ascontiguousarray(chelsea()[:97, :150].transpose(2, 0, 1))
NOISE = {"name": "noise", "sigma": "level", "clip": False}
SENSOR = {"name": "sensor", "grain": "level"}
JPEG = {"name": "jpeg", "quality": "level"}
DOWNSCALING = {"name": "downscaling", "scale": "level"}


def psnr(image: np.ndarray) -> float:
    return peak_signal_noise_ratio(PHOTOGRAPH / 255, image / 255 if image.dtype == np.uint8 else image, data_range=1)


@pytest.mark.parametrize(
    ("step", "levels"),
    [(NOISE, [0.05, 0.1, 0.4]), (SENSOR, [0.02, 0.1, 0.3]), (JPEG, [80, 40, 10]), (DOWNSCALING, [1.5, 2, 3, 4])],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_each_level_takes_more_away_than_the_one_before(step, levels):
    degrade = Degradation.build([step])
    found = [degrade(PHOTOGRAPH, level) for level in levels]
    assert {image.shape for image in found} == {PHOTOGRAPH.shape}
    assert {image.dtype.name for image in found} == {degrade.dtype}
    scores = [psnr(image) for image in found]
    assert scores == sorted(scores, reverse=True) and scores[0] < 45


def test_the_same_bytes_on_every_machine():
    # golden: computed once; another libjpeg or another filter fails here
    for step, level, golden in ((JPEG, 20, GOLDEN_JPEG), (DOWNSCALING, 3, GOLDEN_DOWNSCALING)):
        image = Degradation.build([step])(PHOTOGRAPH, level)
        assert hashlib.sha256(image.tobytes()).hexdigest() == golden


def test_jpeg_is_what_a_file_of_that_quality_holds():
    file = io.BytesIO()
    Image.fromarray(PHOTOGRAPH.transpose(1, 2, 0)).save(file, "JPEG", quality=20)  # Pillow's own default is 4:2:0
    expected = np.asarray(Image.open(file)).transpose(2, 0, 1)
    np.testing.assert_array_equal(Degradation.build([JPEG])(PHOTOGRAPH, 20), expected)


def test_what_fits_into_the_small_image_comes_back():
    y, x = np.mgrid[:96, :120] / 96
    smooth = np.stack([127 + 100 * np.sin(2 * x + y), 127 + 100 * np.cos(x - y), 255 * y]).round().astype(np.uint8)
    back = Degradation.build([DOWNSCALING])(smooth, 3)
    inner = (slice(None), slice(8, -8), slice(8, -8))
    assert np.abs(back.astype(int) - smooth)[inner].max() <= 2


def test_a_tiny_image_survives_a_large_factor():
    assert Degradation.build([DOWNSCALING])(PHOTOGRAPH[:, :3, :5], 16).shape == (3, 3, 5)


def test_steps_follow_each_other_and_one_goes_by_the_level():
    both = Degradation.build([DOWNSCALING | {"scale": 2}, NOISE])
    small, noise = Degradation.build([DOWNSCALING]), Degradation.build([NOISE])
    np.testing.assert_array_equal(both(PHOTOGRAPH, 0.1, 7), noise(small(PHOTOGRAPH, 2), 0.1, 7))
    assert both.dtype == "float16"


def test_between_steps_a_photograph_has_eight_bits():
    both = Degradation.build([NOISE | {"sigma": 0.5}, JPEG])
    noisy = Degradation.build([NOISE])(PHOTOGRAPH, 0.5).astype(np.float32)
    eight_bits = (noisy.clip(0, 1) * 255).round().astype(np.uint8)
    np.testing.assert_array_equal(both(PHOTOGRAPH, 30), Degradation.build([JPEG])(eight_bits, 30))


def test_without_steps_an_image_stays_as_it_is():
    np.testing.assert_array_equal(Degradation.build([])(PHOTOGRAPH, 0), PHOTOGRAPH)


def test_what_is_fixed_is_the_same_at_every_level():
    fixed = Degradation.build([NOISE | {"sigma": 0.1}])
    np.testing.assert_array_equal(fixed(PHOTOGRAPH, 0), fixed(PHOTOGRAPH, 1))


GOLDEN_JPEG = "9ed85a79da691a331ea634b07be70799e75e9beda59ebb3dd538fb2e1a178f1f"
GOLDEN_DOWNSCALING = "fb6b85fe69ff8b150417bfe8c5184f6de80ba199cb943cd86ba524b59805a457"
