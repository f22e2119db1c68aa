import os
from pathlib import Path

import pytest

from benchmarks.peers import below
from benchmarks.published import measured
from ftn_core.degradations.noise import add_noise
from ftn_core.released.ffdnet import published_ffdnet
from ftn_core.runtime.images import restore, to_image
from ftn_core.runtime.psnr import psnr
from ftn_core.sources.decode import decode
from ftn_core.sources.sample import sample_photographs
from ftn_core.utils.errors import UserError


@pytest.fixture(scope="module")
def ffdnet():
    return published_ffdnet()


def test_it_has_the_published_size(ffdnet):
    assert sum(parameter.numel() for parameter in ffdnet.base.parameters()) == 852_108


def test_it_denoises_when_given_the_level(ffdnet):
    pixels = decode(next(sample_photographs()).path, min_side=64, max_pixels=10**8)[:, :160, :161]
    clean, noisy = to_image(pixels), to_image(add_noise(pixels, 50 / 255, 0, False))

    def psnr_at(sigma):
        return psnr(restore(ffdnet.fold(ffdnet.position(sigma)), noisy), clean)

    assert psnr_at(50 / 255) > psnr(noisy, clean) + 8
    assert psnr_at(50 / 255) > psnr_at(15 / 255) + 3


@pytest.mark.slow
@pytest.mark.skipif("FTN_CBSD68" not in os.environ, reason="CBSD68 may not be passed on: name its folder in FTN_CBSD68")
def test_a_published_figure_comes_out():
    assert measured(below(Path(os.environ["FTN_CBSD68"])), 25) == pytest.approx(31.20, abs=0.05)


def test_a_folder_without_photographs_is_refused(tmp_path):
    with pytest.raises(UserError, match="no usable image"):
        below(tmp_path)
