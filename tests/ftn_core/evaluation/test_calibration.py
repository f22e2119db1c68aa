import shutil

import torch

from ftn_core.data.store import Store
from ftn_core.evaluation.calibration import calibrate_dial
from ftn_core.evaluation.pairs import Pairs
from ftn_core.evaluation.sweep import sweep

CPU = torch.device("cpu")


def calibrated(denoiser, sets, **options):
    photographs, noisy = sets
    folders = {sigma: folder / "val" for sigma, folder in noisy.items()}
    return calibrate_dial(denoiser, Store(photographs / "val"), folders, CPU, **options)


def test_the_dial_finds_the_best_alpha(sets, shrinking):
    photographs, noisy = sets
    denoiser = shrinking()
    dial = dict(calibrated(denoiser, sets))
    assert dial[0.1] == 0 and dial[0.5] == 1
    positions = [dial[s] for s in sorted(dial)]
    assert positions == sorted(positions)
    # against a fine sweep of the same
    clean = Store(photographs / "val")
    pairs = Pairs(clean, {sigma: Store(folder / "val") for sigma, folder in noisy.items()}, CPU)
    for sigma in (0.2, 0.3, 0.4):
        fine = sweep(denoiser, {sigma: [i / 50 for i in range(51)]}, pairs)
        best = max(result.psnr for _, _, result in fine)
        ((_, _, chosen),) = sweep(denoiser, {sigma: [dial[sigma]]}, pairs)
        assert chosen.psnr > best - 0.02


def test_calibration_reads_validation_images_alone(sets, shrinking):
    photographs, noisy = sets
    expected = calibrated(shrinking(), sets)
    for folder in (photographs, *noisy.values()):
        shutil.rmtree(folder / "test")
        shutil.rmtree(folder / "train")
    assert calibrated(shrinking(), sets) == expected


def test_levels_beyond_the_trained_ones_are_no_points_and_chains_keep_their_order(sets, shrinking):
    assert [level for level, _ in calibrated(shrinking(sigmas=(0.2, 0.4)), sets)] == [0, 0.2, 0.3, 0.4]
    dial = calibrated(shrinking((0.2, 0.6, 1.0), (0.5, 0.3, 0.1)), sets)
    assert [level for level, _ in dial] == [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    positions = dict(dial)
    assert [positions[level] for level in (0.5, 0.3, 0.1, 0)] == [0, -1, -2, -3]
    assert -2 <= positions[0.2] <= -1 <= positions[0.4] <= 0


def test_every_pass_over_the_images_is_reported(sets, shrinking):
    passes = []
    calibrated(shrinking(), sets, limit=1, on_pass=lambda: passes.append(1))
    assert 3 * 3 < len(passes) < 3 * 20  # three levels are searched for
