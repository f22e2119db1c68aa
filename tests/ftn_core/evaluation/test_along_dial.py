import numpy as np
import pytest
import torch

from ftn_core.data.store import Store
from ftn_core.evaluation import along_dial
from ftn_core.evaluation.along_dial import Sampling, evaluate_denoiser
from ftn_core.evaluation.pairs import Pairs
from ftn_core.evaluation.scoring import center_crop, score
from ftn_core.runtime.images import restore, to_image
from ftn_core.runtime.psnr import psnr_each

CPU = torch.device("cpu")


def evaluate_ftn(denoiser, sets, on_pass=lambda done, total: None, own_base=False):
    photographs, noisy = sets
    clean, degraded = Store(photographs / "test"), {s: Store(noisy[s] / "test") for s in (0.1, 0.3, 0.5)}
    found = evaluate_denoiser("ftn", denoiser, clean, degraded, Sampling(2, 1), psnr_each, CPU, on_pass, own_base)
    return found, clean, degraded


@pytest.fixture
def evaluated(sets, shrinking, monkeypatch):
    """A chain of two levels, evaluated: what was found, the pictures, the passes and what it was found with."""
    monkeypatch.setattr(along_dial, "SHEET_PIXELS", 20)
    denoiser, passes = shrinking((1.0, 0.6, 0.2), (0.1, 0.3, 0.5)), []

    def on_pass(done, total):
        passes.append((done, total))

    found, clean, degraded = evaluate_ftn(denoiser, sets, on_pass)
    return *found, passes, denoiser, clean, degraded


def test_levels_are_scored_where_the_dial_stands_for_them_and_the_base_elsewhere(evaluated):
    evaluation, _, _, denoiser, clean, degraded = evaluated
    pairs = Pairs(clean, degraded, CPU)
    assert list(evaluation.scores) == [0.3, 0.5]  # at 0.1 it is the base
    for level, place in ((0.3, 1), (0.5, 2)):
        assert evaluation.scores[level] == score(denoiser.fold(place), pairs, level, psnr_each)
    assert (evaluation.trained, evaluation.dial) == (denoiser.trained, denoiser.dial)
    assert evaluation.whole == [(0, -1), (0.1, 0), (0.3, 1), (0.5, 2)] and evaluation.base == 0.1


def test_a_base_of_its_own_is_scored_with_the_row(sets, shrinking, monkeypatch, evaluated):
    denoiser = shrinking((1.0, 0.6, 0.2), (0.1, 0.3, 0.5))
    (own, _), clean, degraded = evaluate_ftn(denoiser, sets, own_base=True)
    assert own.own_base and not evaluated[0].own_base
    first = score(denoiser.fold(0), Pairs(clean, degraded, CPU), 0.1, psnr_each)
    assert own.scores == {0.1: first} | evaluated[0].scores


def test_the_heat_map_has_every_level_at_every_sample_over_the_first_images(evaluated):
    evaluation, _, _, denoiser, clean, degraded = evaluated
    expected = [(level, place) for level in (0.1, 0.3, 0.5) for place in (-1, -0.5, 0, 0.5, 1, 1.5, 2)]
    assert [(point.level, point.position) for point in evaluation.grid] == expected
    first = Pairs(clean, degraded, CPU, limit=1)
    for point in evaluation.grid:
        assert point.psnr == pytest.approx(score(denoiser.fold(point.position), first, point.level).psnr)
        assert point.objective == pytest.approx(point.psnr)


def test_the_contact_sheet_is_of_the_first_image_at_the_middle_level(evaluated):
    evaluation, pictures, _, denoiser, clean, degraded = evaluated
    assert evaluation.sheet_level == 0.3
    assert pictures["positions"].tolist() == [-1, -0.5, 0, 0.5, 1, 1.5, 2]
    assert pictures["restored"].shape == (7, 20, 20, 3)
    noisy = to_image(degraded[0.3][0])
    for name, image in (("clean", to_image(clean[0])), ("degraded", noisy)):
        pixels = center_crop(image, 20).clamp(0, 1).mul(255).round().byte()[0].permute(1, 2, 0)
        np.testing.assert_array_equal(pictures[name], pixels)
    last = center_crop(restore(denoiser.fold(2), noisy), 20).mul(255).round().byte()[0].permute(1, 2, 0)
    np.testing.assert_array_equal(pictures["restored"][-1], last)
    assert evaluation.smoothness.monotonicity == 1 and evaluation.smoothness.largest_jump > 0


def test_passes_are_counted_to_the_last(evaluated):
    assert evaluated[2] == [(i, 2 + 3 * 7) for i in range(1, 2 + 3 * 7 + 1)]
