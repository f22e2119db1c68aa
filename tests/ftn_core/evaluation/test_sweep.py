import torch

from ftn_core.data.store import Store
from ftn_core.data.task import DENOISING
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.evaluation.pairs import Pairs
from ftn_core.evaluation.scoring import score
from ftn_core.evaluation.sweep import positions, restore_along_dial, sweep
from ftn_core.runtime.images import restore

CPU = torch.device("cpu")


def test_the_dial_is_sampled_evenly(shrinking):
    assert positions(shrinking(), 4) == [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1]
    assert positions(shrinking((1, 0.5, 0.2), (0.3, 0.5, 0.1)), 2) == [-2, -1.5, -1, -0.5, 0, 0.5, 1]


def test_each_position_is_folded_once_whatever_sigmas_ask_for_it(sets, shrinking):
    photographs, noisy = sets
    folds = []

    class Counted(ContinuousDenoiser):
        def fold(self, position, network=None):
            folds.append(position)
            return super().fold(position, network)

    plain = shrinking()
    denoiser = Counted(DENOISING, plain.spec, plain.base, plain.base_level, plain.levels)
    stores = {sigma: Store(noisy[sigma] / "test") for sigma in (0.1, 0.3, 0.5)}
    clean = Store(photographs / "test")
    pairs = Pairs(clean, stores, CPU)
    found = list(sweep(denoiser, {0.1: [0.0, 0.5, 0.5, 1.0], 0.3: [1.0, 0.25, 0.0], 0.5: [0.0, 0.5, 1.0]}, pairs))
    assert folds == [0.0, 0.25, 0.5, 1.0]
    assert sorted((sigma, place) for sigma, place, _ in found) == [
        *((0.1, place) for place in (0.0, 0.5, 1.0)),
        *((0.3, place) for place in (0.0, 0.25, 1.0)),
        *((0.5, place) for place in (0.0, 0.5, 1.0)),
    ]
    # each score is that of its own position
    for sigma, place, result in found:
        assert result == score(shrinking().fold(place), pairs, sigma)


def test_one_image_is_restored_at_places_of_the_dial(shrinking):
    noisy = torch.rand(1, 3, 20, 30)
    restored = restore_along_dial(shrinking(), noisy, [0.0, 0.5, 1.0])
    expected = [restore(shrinking((keep, 1.0)).base, noisy) for keep in (1.0, 0.6, 0.2)]
    torch.testing.assert_close(restored, torch.cat(expected))
