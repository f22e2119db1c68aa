import math

import pytest

from ftn_core.denoiser.denoiser import between
from ftn_core.parameters.quantities import QUALITY, SCALE, SIGMA, objective
from ftn_core.utils.levels import level_name


@pytest.mark.parametrize(
    ("unit", "level", "label"),
    [
        (SIGMA, 0.078431, "0.0784 (20)"),
        (QUALITY, 40.0, "40"),
        (SCALE, 3.0, "×3"),
        (SCALE, 2.5, "×2.5"),
        (objective("l1", "perceptual"), 0.0, "0 (l1)"),
        (objective("l1", "perceptual"), 1.0, "1 (perceptual)"),
        (objective("l1", "perceptual"), 0.25, "0.25"),
    ],
)
def test_a_level_is_labelled_in_its_units_words(unit, level, label):
    assert label(quantity, level) == label
    unit.check(level)


@pytest.mark.parametrize(
    ("unit", "level"),
    [(SIGMA, 0.0), (SIGMA, 2.1), (SIGMA, math.nan), (QUALITY, 0.0), (QUALITY, 101.0), (QUALITY, 20.5), (SCALE, 1.0),
     (SCALE, 0.5), (SCALE, 17.0), (objective("a", "b"), 1.5)],
)  # fmt: skip
def test_what_does_not_exist_is_refused_by_name(unit, level):
    with pytest.raises(ValueError, match=f"^{unit.name} .* does not exist: it is a (whole )?number "):
        unit.check(level)


def test_names_are_as_dvc_writes_them():
    assert [level_name(x) for x in (0.2, 40, 40.0, 2.5, 0.078431, 0)] == ["0.2", "40", "40", "2.5", "0.078431", "0"]


def test_inside_goes_both_ways():
    assert between(20, 40, 10) and between(20, 10, 40) and between(10, 40, 10)
    assert not between(50, 40, 10) and not between(math.nan, 0, 1)
