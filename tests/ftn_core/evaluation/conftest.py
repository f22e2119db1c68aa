"""A denoiser of one number, whose best place of the dial can be worked out by hand, and sets to measure it on."""

import pytest
import torch

from ftn_core.data.task import DENOISING
from ftn_core.degradations.degradation import Degradation
from ftn_core.degradations.degraded_set import write_degraded_set
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import Transition


class Shrink(torch.nn.Module):
    """A network of one number: the share of the input's deviation from grey that it keeps."""

    radius = 0
    homogeneous = True

    def __init__(self, keep: float) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 3, 1)
        with torch.no_grad():
            self.conv.weight.copy_(keep * torch.eye(3)[..., None, None])
            self.conv.bias.fill_((1 - keep) / 2)

    def forward(self, x):
        return self.conv(x)


class KeepLess(Transition):
    """A transition that changes the share."""

    def __init__(self, keep: float) -> None:
        super().__init__()
        self.other = Shrink(keep)

    def forward(self, state):
        return {f"conv.{n}": p for n, p in self.other.conv.named_parameters()}


@pytest.fixture
def shrinking():
    """Makes a denoiser that keeps these shares at these levels."""

    def make(keeps=(1.0, 0.2), sigmas=(0.1, 0.5)) -> ContinuousDenoiser:
        levels = [AdaptedLevel(s, "ftn", {}, KeepLess(k), {}) for s, k in zip(sigmas[1:], keeps[1:], strict=True)]
        return ContinuousDenoiser(DENOISING, {}, Shrink(keeps[0]), sigmas[0], levels)

    return make


@pytest.fixture
def sets(tmp_path, make_store):
    """The folder of photographs, and for each level the folder of their degraded versions."""
    for split in ("train", "val", "test"):
        make_store(f"photographs/{split}", count=2, height=64, width=80, seed=len(split))
    folders = {}
    for sigma in (0.1, 0.2, 0.3, 0.4, 0.5):
        folders[sigma] = tmp_path / f"noisy/{sigma}"
        write_degraded_set(
            tmp_path / "photographs", folders[sigma], Degradation.of(DENOISING.degradation), sigma, seed=0, train=False
        )
    return tmp_path / "photographs", folders
