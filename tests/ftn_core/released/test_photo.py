"""The released weights are as good as their card says, and no worse than the card's margins beside FFDNet."""

import re

import numpy as np
import pytest
import torch
from project import ROOT

from ftn_core.degradations.noise import add_noise
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.released.models import WEIGHTS, released_photo
from ftn_core.runtime.images import restore, to_image
from ftn_core.runtime.psnr import psnr
from ftn_core.sources.decode import decode
from ftn_core.sources.sample import sample_photographs

CARD = (ROOT / "weights/photo.md").read_text()
SIGMAS = (5, 10, 15, 25, 50, 75)


def row(name: str) -> list[float]:
    """The figures of the card's table on the sample photographs that are held out."""
    return [float(x) for x in re.search(rf"^\| {name} \|(.*)\|$", CARD, re.MULTILINE)[1].split("|")]


@pytest.fixture(scope="module")
def denoiser() -> ContinuousDenoiser:
    return released_photo()


def test_it_is_small_and_its_dial_goes_from_nothing_to_75(denoiser):
    assert (WEIGHTS / "photo.safetensors").stat().st_size < 8e6
    assert denoiser.ends == (0, pytest.approx(75 / 255, abs=1e-5))


@pytest.mark.parametrize("sigma", SIGMAS)
def test_it_scores_what_its_card_says(denoiser, sigma):
    network, scores = denoiser.fold(denoiser.position(sigma / 255)), []
    for photograph in (p for p in sample_photographs() if p.split == "test"):
        clean = decode(photograph.path, min_side=16, max_pixels=10**8)[:, 60:316, 60:316]
        noisy = to_image(add_noise(clean, sigma / 255, seed=0, clip=False))
        scores.append(psnr(restore(network, noisy), to_image(clean)))
    assert np.mean(scores) == pytest.approx(row("photo, the test's crops")[SIGMAS.index(sigma)], abs=0.01)


def test_at_zero_every_pixel_stays(denoiser):
    image = torch.rand(1, 3, 20, 21, generator=torch.Generator().manual_seed(0))
    assert torch.equal(restore(denoiser.fold(denoiser.position(0)), image), image)
