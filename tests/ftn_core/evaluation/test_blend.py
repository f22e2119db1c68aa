import numpy as np
import pytest
import torch
from small_denoiser import DEJPEG

from ftn_core.data.task import DENOISING
from ftn_core.degradations.degradation import Degradation
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.evaluation.blend import REACHES, best_weight, calibrate_blend
from ftn_core.runtime.images import to_image

CPU = torch.device("cpu")


class Towards(torch.nn.Module):
    """A network of one photograph: it goes this far from the input towards the photograph, or beyond it."""

    radius = None
    homogeneous = False

    def __init__(self, clean, step):
        super().__init__()
        self.clean = torch.nn.Parameter(clean)
        self.step = step

    def forward(self, x):
        return x + self.step * (self.clean - x)


@pytest.fixture
def clean(make_store):
    return make_store("val", 1, 150, 140)


@pytest.mark.parametrize(("step", "weight"), [(0.5, 1.0), (1.0, 1.0), (2.0, 0.5), (4.0, 0.25), (-1.0, 0.0)])
def test_the_weight_is_the_best_that_does_no_harm(clean, step, weight):
    network = Towards(to_image(clean[0]), step)
    denoiser = ContinuousDenoiser(DEJPEG, {}, network, 40.0)
    points = calibrate_blend(denoiser, clean, CPU)
    assert [found for _, found in points] == pytest.approx([weight] * len(points), abs=0.011)
    # qualities are whole: 96, 93, 85, 70, 55 of 100 .. 40
    assert [reach for reach, _ in points] == pytest.approx([4 / 60, 8 / 60, 15 / 60, 30 / 60, 45 / 60])


def test_what_a_few_parts_lose_decides():
    # nine parts that gain most at weight 1, and some that lose from weight 0.2 on
    good, bad = (1.0, -0.9, 0.9), (1.0, -0.05, 0.5)
    assert best_weight(np.array([good] * 99 + [bad])) > 0.9
    assert best_weight(np.array([good] * 18 + [bad] * 2)) == pytest.approx(0.2)
    assert best_weight(np.array([good] * 2 + [(1.0, 0.1, 0.1)])) == 0


def test_noise_needs_no_weights(clean):
    assert calibrate_blend(ContinuousDenoiser(DENOISING, {}, Towards(to_image(clean[0]), 1.0), 0.2), clean, CPU) == []


def test_it_looks_at_photographs_degraded_as_much(clean):
    seen = []
    network = Towards(to_image(clean[0]), 1.0)
    network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    calibrate_blend(ContinuousDenoiser(DEJPEG, {}, network, 40.0), clean, CPU)
    degrade = Degradation.of(DEJPEG.degradation)
    assert len(seen) == len(REACHES)
    for image, quality in zip(seen, (96, 92, 85, 70, 55), strict=True):
        torch.testing.assert_close(image, to_image(degrade(clean[0], quality)))
