import pytest
import torch

from ftn_core.evaluation.smoothness import smoothness


def path(*levels: float) -> torch.Tensor:
    """Even images of these grey values."""
    return torch.tensor(levels)[:, None, None, None].expand(-1, 3, 4, 5)


def test_an_even_straight_way():
    found = smoothness(path(0, 0.1, 0.2, 0.3))
    assert found.evenness == pytest.approx(1, abs=1e-5)
    assert found.largest_jump == pytest.approx(25.5, abs=1e-3)
    assert found.monotonicity == 1
    assert found.straightness == pytest.approx(1, abs=1e-6)


def test_a_jump():
    found = smoothness(path(0, 0.1, 0.4, 0.5))
    assert found.evenness == pytest.approx(0.5 / 3 / 0.3, abs=1e-5)
    assert found.largest_jump == pytest.approx(0.3 * 255, abs=1e-3)


def test_a_way_that_goes_back():
    found = smoothness(path(0, 0.2, 0.4, 0.3, 0.5))
    assert found.monotonicity == pytest.approx(3 / 4)
    assert found.straightness == pytest.approx(0.5 / 0.7, abs=1e-5)


def test_a_way_that_goes_nowhere():
    found = smoothness(path(0.3, 0.3, 0.3))
    assert (found.evenness, found.largest_jump, found.monotonicity, found.straightness) == (1, 0, 1, 1)
