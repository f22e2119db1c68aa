import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from ftn_core.runtime.psnr import psnr, psnr_each


def test_it_is_the_mean_of_each_images_decibels_and_agrees_with_scikit_image():
    clean = torch.rand(3, 3, 20, 24, generator=torch.Generator().manual_seed(0))
    noisy = clean + torch.tensor([0.05, 0.1, 0.2])[:, None, None, None] * torch.randn(clean.shape)
    clipped = noisy.clamp(0, 1)
    expected = [
        peak_signal_noise_ratio(b, a, data_range=1) for a, b in zip(clipped.numpy(), clean.numpy(), strict=True)
    ]
    each = psnr_each(noisy, clean)
    assert each.tolist() == pytest.approx(expected, abs=1e-4) and each[0] > each[1] > each[2]
    assert psnr(noisy, clean) == pytest.approx(np.mean(expected), abs=1e-4)
