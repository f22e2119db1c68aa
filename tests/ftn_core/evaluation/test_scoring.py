import numpy as np
import pytest
import torch

from ftn_core.data.store import Store, StoreWriter
from ftn_core.degradations.noise import add_noise
from ftn_core.evaluation.metrics import ssim_each
from ftn_core.evaluation.pairs import Pairs
from ftn_core.evaluation.scoring import center_crop, measure, score
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
        expected.append([float(metric(restored, target)) for metric in (psnr_each, ssim_each)])
    for pixels, keep in [(1, 0), (5000, 2**30), (5000, 30_000), (10**9, 2**30)]:
        pairs = Pairs(clean, {0.1: noisy}, CPU, pixels=pixels, keep=keep)
        for _ in range(2):  # as converted, and as kept
            found = measure(network, pairs, 0.1, psnr_each, ssim_each)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
        result = score(network, pairs, 0.1)
        assert [result.psnr, result.ssim] == pytest.approx(np.mean(expected, axis=0).tolist(), abs=1e-5)


def test_the_middle_of_an_image():
    image = torch.arange(6 * 9).view(1, 1, 6, 9)
    assert torch.equal(center_crop(image, 4), image[..., 1:5, 2:6])
    assert torch.equal(center_crop(image, 100), image)
