import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from ftn_core.evaluation.metrics import mean_score, score_images, similarity, ssim_each
from ftn_core.evaluation.records.score import Score


def images(n: int, height: int, width: int, sigma: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Noisy and clean: smooth at the left, rough at the right; each image noisier than the one before."""
    generator = torch.Generator().manual_seed(0)
    rough = torch.rand(n, 3, height, width, generator=generator)
    smooth = torch.linspace(0, 1, height)[:, None].expand(height, width)
    clean = torch.lerp(smooth, rough, torch.linspace(0, 1, width))
    strength = sigma * torch.arange(1, n + 1)[:, None, None, None]
    return clean + strength * torch.randn(clean.shape, generator=generator), clean


@pytest.mark.parametrize("sigma", [0.05, 0.3])
def test_metrics_agree_with_scikit_image(sigma):
    noisy, clean = (x.clamp(0, 1) for x in images(2, 200, 240, sigma))
    # in a grey frame, because the two libraries continue an image beyond its edges in different ways
    noisy, clean = (torch.nn.functional.pad(x, (6, 6, 6, 6), value=0.5) for x in (noisy, clean))
    for a, b, result in zip(noisy.numpy(), clean.numpy(), score_images(noisy, clean), strict=True):
        assert result.psnr == pytest.approx(peak_signal_noise_ratio(b, a, data_range=1), abs=1e-4)
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        _, everywhere = structural_similarity(b, a, data_range=1, channel_axis=0, full=True, **options)
        assert result.ssim == pytest.approx(everywhere.mean(), abs=1e-5)


# one strip and many, of rows that divide evenly or not; as small as the window allows; more images than go at once
@pytest.mark.parametrize(
    ("n", "height", "width"), [(1, 6, 6), (1, 7, 300), (1, 321, 48), (2, 64, 65), (7, 33, 40), (5, 8, 9), (1, 700, 500)]
)
def test_ssim_in_strips_is_that_of_whole_images(n, height, width):
    noisy, clean = images(n, height, width, 0.1)
    whole = [similarity(a[None].clamp(0, 1), b[None]).mean() for a, b in zip(noisy, clean, strict=True)]
    torch.testing.assert_close(ssim_each(noisy, clean), torch.stack(whole), rtol=0, atol=1e-6)


def test_a_batch_has_a_score_for_each_image():
    noisy, clean = images(4, 40, 50, 0.1)
    batch = score_images(noisy, clean)
    for i, result in enumerate(batch):
        (alone,) = score_images(noisy[i : i + 1], clean[i : i + 1])
        assert (result.psnr, result.ssim) == pytest.approx((alone.psnr, alone.ssim), abs=1e-5)
    assert batch[0].psnr > batch[1].psnr > batch[2].psnr > batch[3].psnr


def test_means_are_of_decibels():
    assert mean_score([Score(20, 0.5), Score(30, 0.7)]) == Score(25, pytest.approx(0.6))
