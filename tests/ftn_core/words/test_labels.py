import pytest

from ftn_core.parameters.quantities import GRAIN, QUALITY, SCALE, SIGMA, objective
from ftn_core.words.labels import heading, label, phrase

OBJECTIVE = objective("l1", "perceptual")


@pytest.mark.parametrize(
    ("quantity", "level", "expected"),
    [
        (SIGMA, 0.078431, "0.0784 (20)"),
        (GRAIN, 0.078431, "0.0784 (20)"),
        (QUALITY, 40.0, "40"),
        (SCALE, 3.0, "×3"),
        (SCALE, 2.5, "×2.5"),
        (OBJECTIVE, 0.0, "0 (l1)"),
        (OBJECTIVE, 1.0, "1 (perceptual)"),
        (OBJECTIVE, 0.25, "0.25"),
    ],
)
def test_a_level_is_labelled_in_its_quantitys_own_words(quantity, level, expected):
    assert label(quantity, level) == expected
    quantity.check(level)


@pytest.mark.parametrize(
    ("quantity", "level", "expected"),
    [
        (SIGMA, 0.2, "sigma 0.2 (51/255)"),
        (GRAIN, 0.2, "grain 0.2 (51/255)"),
        (QUALITY, 40.0, "quality 40"),
        (SCALE, 3.0, "scale ×3"),
        (OBJECTIVE, 0.3, "objective 0.3"),
        (OBJECTIVE, 1.0, "objective 1 (perceptual)"),
    ],
)
def test_in_a_sentence_the_quantity_is_named(quantity, level, expected):
    assert phrase(quantity, level) == expected


def test_over_a_column_sigma_and_grain_say_on_which_scale_labels_are():
    assert [heading(quantity) for quantity in (SIGMA, GRAIN, QUALITY, SCALE, OBJECTIVE)] == [
        "sigma (of 255)", "grain (of 255)", "quality", "scale", "objective",
    ]  # fmt: skip
