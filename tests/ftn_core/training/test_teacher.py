"""Batches whose targets are a teacher's outputs."""

import torch
from lightning_fabric import Fabric
from torch import nn

from ftn_core.released.ffdnet import published_ffdnet
from ftn_core.training.line import LineNetwork
from ftn_core.training.teacher import Taught


def test_the_target_is_what_the_teacher_makes_of_the_inputs():
    noisy, level, clean = torch.rand(2, 3, 8, 8), torch.full((2, 1, 1, 1), 0.5), torch.zeros(2, 3, 8, 8)

    class Teacher(nn.Module):
        def forward(self, x, level):
            return x * level

    taught = Taught(lambda step: (noisy + step, level, clean), Teacher(), Fabric(accelerator="cpu", devices=1))
    inputs, given, target = taught(3)
    assert torch.equal(inputs, noisy + 3) and torch.equal(given, level)
    torch.testing.assert_close(target, (noisy + 3) / 2)
    assert not target.requires_grad


def test_ffdnet_as_a_line_restores_each_image_at_its_own_level():
    torch.manual_seed(0)
    denoiser, x = published_ffdnet(), torch.rand(4, 3, 16, 16)
    line = LineNetwork.of(denoiser, 2).eval()
    levels = [0.05, 0.2, 0.05, 0.2]
    with torch.no_grad():
        found = line(x, torch.tensor(levels).view(-1, 1, 1, 1))
        for i, level in enumerate(levels):
            torch.testing.assert_close(found[i], denoiser.fold(denoiser.position(level))(x[i : i + 1])[0])
