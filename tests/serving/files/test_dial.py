import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pictures import pixels
from small_denoiser import small_denoiser

from ftn_core.data.task import DegradationSpec, Task
from ftn_core.parameters.quantities import GRAIN, QUALITY, SCALE, SIGMA, objective
from ftn_core.utils.errors import UserError
from serving.files.dial_setting import DialSetting
from serving.files.level_argument import LevelArgument
from serving.files.pictures import Picture


@pytest.fixture(scope="module")
def denoiser(tmp_path_factory):
    return small_denoiser(tmp_path_factory.mktemp("dial") / "d.safetensors")


@pytest.mark.parametrize(
    "text, sigma",
    [("0.2", 0.2), ("51/255", 0.2), (" 25 / 255 ", 25 / 255), (".5", 0.5), ("0", 0), ("2e-1", 0.2), ("auto", None)],
)
def test_sigma_is_a_number_or_a_fraction_or_found(text, sigma):
    assert LevelArgument.parse(text).level_of(SIGMA) == (sigma and pytest.approx(sigma, rel=1e-12))


@pytest.mark.parametrize(
    "text", ["", "0.2x", "51/0", "-1", "nan", "inf", "1/2/3", "51/", "/255", "٣", "1_0/255", "Auto"]
)
def test_anything_else_is_refused_by_its_text(text):
    with pytest.raises(UserError) as error:
        LevelArgument.parse(text)
    assert f"--level {text}:" in str(error.value)


@pytest.mark.parametrize(
    "text, quantity, words",
    [
        ("2.01", SIGMA, "--level 2.01: sigma must be from 0 to 2 (standard deviation"),
        ("51", SIGMA, "that is 51/255"),
        ("51", GRAIN, "that is 51/255"),
        ("0", QUALITY, "--level 0: quality must be from 1 to 100 (JPEG quality)"),
        ("0.5", SCALE, "--level 0.5: scale must be from 1 to 16 (factor by which the image was smaller)"),
        ("2", objective("faithful", "pleasing"), "objective must be from 0 to 1 (from faithful to pleasing)"),
        ("20/255", QUALITY, "--level 20/255: fractions are of sigma and grain, this model's dial is of quality"),
    ],
)
def test_what_is_no_level_of_the_models_quantity_is_refused_with_its_range(text, quantity, words):
    with pytest.raises(UserError) as error:
        LevelArgument.parse(text).level_of(quantity)
    assert words in str(error.value)


@given(st.floats(0, 2))
def test_any_sigma_is_read_as_it_is_written(sigma):
    assert LevelArgument.parse(repr(sigma)).level_of(SIGMA) == sigma
    assert LevelArgument.parse(f"{min(255 * sigma, 510)!r}/255").level_of(SIGMA) == pytest.approx(sigma, rel=1e-12)


@given(st.text(max_size=12) | st.from_regex(r"[0-9./eE+-]{1,12}", fullmatch=True))
@example("1e999")
@example("1/1e-999")
@example("9" * 12 + "e99999")
def test_any_text_is_a_sigma_or_a_users_mistake(text):
    try:
        sigma = LevelArgument.parse(text).level_of(SIGMA)
    except UserError:
        return
    assert sigma is None if text.strip() == "auto" else 0 <= sigma <= 2


@pytest.mark.parametrize("alpha", [-0.1, 1.1, math.nan, math.inf])
def test_alpha_is_of_the_whole_dial(denoiser, alpha):
    with pytest.raises(UserError, match="--alpha"):
        DialSetting(denoiser, alpha=alpha)


@given(st.floats(0, 1))
def test_alpha_goes_from_one_end_of_the_dial_to_the_other(denoiser, alpha):
    dial = DialSetting(denoiser, alpha=alpha)
    assert dial.position(dial.level_for(Picture(pixels(3, np.uint8), "PNG"))) == -1 + 2 * alpha


@pytest.mark.parametrize("levels, last", [((0.2, 0.5), 1), ((0.5, 0.2), 0)], ids=["stronger", "weaker"])
@pytest.mark.parametrize("sigma, nearest", [(0, None), (0.1, None), (0.2, None), (0.3, None), (0.5, None), (0.7, 0.5)])
def test_a_level_beyond_the_dial_is_said_to_be(tmp_path, levels, last, sigma, nearest):
    dial = DialSetting(small_denoiser(tmp_path / "d.safetensors", levels=levels), level=sigma)
    note = dial.out_of_range_note(sigma)
    assert note is None if nearest is None else f"beyond the dial: sigma {nearest:g} (" in note
    assert nearest is None or dial.position(sigma) == last


def test_a_dial_without_nothing_to_do_begins_at_its_weakest_level(tmp_path):
    small_and_noisy = Task(
        DegradationSpec([{"name": "downscaling", "scale": 2.0}, {"name": "noise", "sigma": "level", "clip": False}]),
        ("faithful", "faithful"),
    )
    dial = DialSetting(small_denoiser(tmp_path / "d.safetensors", small_and_noisy), level=0.1)
    assert "beyond the dial: sigma 0.2 (51/255) is used" in dial.out_of_range_note(0.1)
    assert dial.position(0.1) == 0


def test_sigma_is_found_where_none_is_given(denoiser):
    clean = np.full((96, 96, 3), 0.5)
    noisy = clean + 0.1 * np.random.default_rng(0).standard_normal(clean.shape)
    for top, dtype in ((255, np.uint8), (65535, np.uint16)):
        picture = Picture((noisy.clip(0, 1) * top).round().astype(dtype), "PNG")
        assert DialSetting(denoiser).level_for(picture) == pytest.approx(0.1, rel=0.2)
        assert DialSetting(denoiser, level=0.3).level_for(picture) == 0.3
