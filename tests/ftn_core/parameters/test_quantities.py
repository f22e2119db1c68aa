import math

import pytest

from ftn_core.parameters.quantities import GRAIN, QUALITY, SCALE, SIGMA, objective, quantity_named


@pytest.mark.parametrize(
    ("quantity", "level"),
    [(SIGMA, 0.0), (SIGMA, 2.1), (SIGMA, math.nan), (GRAIN, 0.0), (GRAIN, 1.1),
     (QUALITY, 0.0), (QUALITY, 101.0), (QUALITY, 20.5), (SCALE, 1.0), (SCALE, 0.5), (SCALE, 17.0),
     (objective("a", "b"), 1.5)],
)  # fmt: skip
def test_what_does_not_exist_is_refused_by_name(quantity, level):
    with pytest.raises(ValueError, match=f"^{quantity.name} .* does not exist: it is a (whole )?number "):
        quantity.check(level)


@pytest.mark.parametrize(
    ("quantity", "level", "step"),
    [
        (SIGMA, 0.2, 51),
        (SIGMA, 0.078431, 20),
        (SIGMA, 2.0, 510),
        (GRAIN, 0.294118, 75),
        (QUALITY, 40, 40),
        (SCALE, 1.5, 150),
        (SCALE, 3.0, 300),
        (objective("a", "b"), 0.25, 25),
        (objective("a", "b"), 1.0, 100),
    ],
)
def test_a_level_on_an_axis_of_whole_numbers_is_one_that_people_can_read(quantity, level, step):
    found = quantity.step_of(level)
    assert found == step and isinstance(found, int)


def test_a_dial_takes_the_lowest_value_and_those_between_whole_numbers_but_none_outside():
    for quantity, level in ((SIGMA, 0.0), (GRAIN, 0.0), (SCALE, 1.0), (QUALITY, 20.5)):
        quantity.check_dial(level)
        with pytest.raises(ValueError, match="does not exist"):
            quantity.check(level)
    for level in (0.5, 101.0, math.nan):
        with pytest.raises(ValueError, match="quality must be from 1 to 100"):
            QUALITY.check_dial(level)


def test_a_quantity_is_found_by_its_name_and_an_objective_by_its_ends():
    known = [SIGMA, GRAIN, QUALITY, SCALE]
    assert [quantity_named(quantity.name) for quantity in known] == known
    assert quantity_named("objective", ["faithful", "pleasing"]) == objective("faithful", "pleasing")
    with pytest.raises(KeyError):
        quantity_named("sharpness")
