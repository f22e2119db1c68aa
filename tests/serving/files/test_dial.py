import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pictures import pixels
from small_denoiser import small_denoiser

from ftn_core.errors import UserError
from serving.files.dial import Dial
from serving.files.pictures import Picture
from serving.files.sigma import parse_sigma


@pytest.fixture(scope="module")
def denoiser(tmp_path_factory):
    return small_denoiser(tmp_path_factory.mktemp("dial") / "d.safetensors")


@pytest.mark.parametrize(
    "text, sigma", [("0.2", 0.2), ("51/255", 0.2), (" 25 / 255 ", 25 / 255), (".5", 0.5), ("1", 1), ("2e-1", 0.2)]
)
def test_sigma_is_a_number_or_a_fraction(text, sigma):
    assert parse_sigma(text) == pytest.approx(sigma, rel=1e-12)


@pytest.mark.parametrize(
    "text", ["", "0.2x", "51/0", "-1", "nan", "inf", "1/2/3", "51/", "/255", "0", "0/255", "1.01", "51", "٣", "1_0/255"]
)
def test_anything_else_is_refused_by_its_text(text):
    with pytest.raises(UserError) as error:
        parse_sigma(text)
    assert f"--sigma {text}:" in str(error.value)


def test_who_gives_the_scale_of_eight_bits_is_told_how_to():
    with pytest.raises(UserError, match="51/255"):
        parse_sigma("51")


@given(st.floats(1e-6, 1))
def test_any_sigma_is_read_as_it_is_written(sigma):
    assert parse_sigma(repr(sigma)) == sigma
    assert parse_sigma(f"{255 * sigma!r}/255") == pytest.approx(sigma, rel=1e-12)


@given(st.text(max_size=12) | st.from_regex(r"[0-9./eE+-]{1,12}", fullmatch=True))
@example("1e999")
@example("1/1e-999")
@example("9" * 12 + "e99999")
def test_any_text_is_a_sigma_or_a_users_mistake(text):
    try:
        sigma = parse_sigma(text)
    except UserError:
        return
    assert 0 < sigma <= 1


@pytest.mark.parametrize("alpha", [-0.1, 1.1, math.nan, math.inf])
def test_alpha_is_of_the_whole_dial(denoiser, alpha):
    with pytest.raises(UserError, match="--alpha"):
        Dial(denoiser, alpha=alpha)


@given(st.floats(0, 1))
def test_alpha_goes_from_the_first_level_to_the_last(denoiser, alpha):
    dial = Dial(denoiser, alpha=alpha)
    assert dial.position(dial.found(Picture(pixels(3, np.uint8), "PNG"))) == alpha * len(denoiser.levels)


@pytest.mark.parametrize("sigma, words", [(0.1, "lowest level: 0.2"), (0.2, None), (0.5, None), (0.7, "highest level")])
def test_a_sigma_beyond_the_levels_is_said_to_be(denoiser, sigma, words):
    note = Dial(denoiser, sigma=sigma).beyond(sigma)
    assert note is None if words is None else words in note


def test_sigma_is_found_where_none_is_given(denoiser):
    clean = np.full((96, 96, 3), 0.5)
    noisy = clean + 0.1 * np.random.default_rng(0).standard_normal(clean.shape)
    for top, dtype in ((255, np.uint8), (65535, np.uint16)):
        picture = Picture((noisy.clip(0, 1) * top).round().astype(dtype), "PNG")
        assert Dial(denoiser).found(picture) == pytest.approx(0.1, rel=0.05)
        assert Dial(denoiser, sigma=0.3).found(picture) == 0.3
