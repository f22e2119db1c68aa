import pytest
import torch

from benchmarks.ffdnet import published_ffdnet
from ftn_core.data.decode import decode
from ftn_core.data.noise import add_noise
from ftn_core.data.sample import sample_photographs
from ftn_core.images import restore, to_image
from ftn_core.metrics import psnr


@pytest.fixture(scope="module")
def ffdnet():
    return published_ffdnet()


def test_it_has_the_published_size(ffdnet):
    assert sum(parameter.numel() for parameter in ffdnet.parameters()) == 852_108


def test_it_denoises_when_told_the_level(ffdnet):
    pixels = decode(next(sample_photographs()).path, min_side=64, max_pixels=10**8)[:, :160, :161]
    clean, noisy = to_image(pixels), to_image(add_noise(pixels, 50 / 255, 0, False))

    def told(sigma):
        class Told(torch.nn.Module):
            def forward(self, x):
                return ffdnet(x, sigma)

        return psnr(restore(Told(), noisy), clean)

    assert told(50 / 255) > psnr(noisy, clean) + 8
    assert told(50 / 255) > told(15 / 255) + 3
