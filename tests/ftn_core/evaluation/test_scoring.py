import numpy as np
import pytest
import torch
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from ftn_core.data.store import Store, StoreWriter
from ftn_core.data.task import DENOISING
from ftn_core.degradations.noise import add_noise
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.evaluation.metrics import ssim_each
from ftn_core.evaluation.pairs import Pairs
from ftn_core.evaluation.scoring import center_crop, measure, score
from ftn_core.evaluation.sweep import positions, restore_along_dial, sweep
from ftn_core.runtime.images import restore, to_image
from ftn_core.runtime.network_file import build_network
from ftn_core.runtime.psnr import psnr_each

CPU = torch.device("cpu")


def test_noisy_input_scores_what_its_sigma_says(sets):
    photographs, noisy = sets
    pairs = Pairs(Store(photographs / "test"), {0.1: Store(noisy[0.1] / "test")}, CPU)
    result = score(torch.nn.Identity(), pairs, 0.1)
    assert 20 <= result.psnr < 20.6  # 20 dB, and a little for what clipping takes away
    # the images that are kept for the next network are as noisy as before
    assert min(batch.degraded.min() for batch in pairs.batches(0.1)) < 0


def test_the_dial_is_sampled_evenly(shrinking):
    assert positions(shrinking(), 4) == [0, 0.25, 0.5, 0.75, 1]
    assert positions(shrinking((1, 0.5, 0.2), (0.1, 0.3, 0.5)), 2) == [0, 0.5, 1, 1.5, 2]


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


def test_batches_score_as_single_images_do_in_the_order_of_the_store(tmp_path):
    rng = np.random.default_rng(0)
    # every size comes twice, apart from each other; each image is harder than the one before
    sizes = [(40, 56), (56, 40), (9, 13), (40, 56), (56, 40), (9, 13), (41, 56)]
    with StoreWriter(tmp_path / "clean", "uint8") as clean, StoreWriter(tmp_path / "noisy", "float16") as noisy:
        for i, size in enumerate(sizes):
            pixels = rng.integers(0, 256, (3, *size), dtype=np.uint8)
            clean.append(str(i), pixels)
            noisy.append(str(i), add_noise(pixels, 0.05 * (i + 1), seed=0, clip=False))
    clean, noisy = Store(tmp_path / "clean"), Store(tmp_path / "noisy")
    network = build_network("resnet", 8, 2).eval()
    expected = []
    for y, x in zip(noisy, clean, strict=True):
        restored, target = restore(network, to_image(y)), to_image(x)
        both = peak_signal_noise_ratio, structural_similarity_index_measure
        expected.append([float(metric(restored, target, data_range=1.0)) for metric in both])
    for pixels, keep in [(1, 0), (5000, 2**30), (5000, 30_000), (10**9, 2**30)]:
        pairs = Pairs(clean, {0.1: noisy}, CPU, pixels=pixels, keep=keep)
        for _ in range(2):  # as converted, and as kept
            found = measure(network, pairs, 0.1, psnr_each, ssim_each)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
        result = score(network, pairs, 0.1)
        assert [result.psnr, result.ssim] == pytest.approx(np.mean(expected, axis=0).tolist(), abs=1e-5)


def test_one_image_is_restored_at_places_of_the_dial(shrinking):
    noisy = torch.rand(1, 3, 20, 30)
    restored = restore_along_dial(shrinking(), noisy, [0.0, 0.5, 1.0])
    expected = [restore(shrinking((keep, 1.0)).base, noisy) for keep in (1.0, 0.6, 0.2)]
    torch.testing.assert_close(restored, torch.cat(expected))


def test_the_middle_of_an_image():
    image = torch.arange(6 * 9).view(1, 1, 6, 9)
    assert torch.equal(center_crop(image, 4), image[..., 1:5, 2:6])
    assert torch.equal(center_crop(image, 100), image)
