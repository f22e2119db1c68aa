import pytest

from ftn_core.data.subset import evenly_spaced


@pytest.mark.parametrize(
    ("count", "limit", "places"), [(5, None, [0, 1, 2, 3, 4]), (5, 9, [0, 1, 2, 3, 4]), (9, 3, [0, 4, 8]), (9, 1, [0])]
)
def test_images_are_chosen_evenly(count, limit, places):
    assert evenly_spaced(count, limit) == places
