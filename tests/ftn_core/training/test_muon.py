import math

import pytest
import torch
from torch import nn

from ftn_core.training.muon import MOMENTUM, Muon, orthogonal


@pytest.mark.parametrize("shape", [(3, 16, 144), (3, 144, 16), (1, 32, 32)])
def test_all_singular_values_become_about_one_and_directions_stay(shape):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    found = left.mT @ orthogonal(matrices) @ right.mT
    values = found.diagonal(dim1=1, dim2=2)
    assert values.min() > 0.5 and values.max() < 1.3
    torch.testing.assert_close(found, torch.diag_embed(values), atol=1e-3, rtol=0)


def test_it_takes_wide_banks_alone():
    taken = [
        Muon.takes(nn.Parameter(torch.zeros(shape))) for shape in [(16, 16, 3, 3), (12, 64, 3, 3), (64, 3, 3, 3), (64,)]
    ]
    assert taken == [True, False, False, False]


@pytest.mark.parametrize("lr", [0.01, torch.tensor(0.01)])
def test_a_step_has_the_size_of_adams(lr):
    banks = [
        nn.Parameter(torch.randn(shape).contiguous(memory_format=torch.channels_last))
        for shape in [(16, 32, 3, 3), (32, 16, 1, 1)]
    ]
    before = [bank.detach().clone() for bank in banks]
    optimizer = Muon(banks, lr)
    for bank in banks:
        bank.grad = 1e-4 * torch.randn_like(bank)
    optimizer.step()
    for bank, old in zip(banks, before, strict=True):
        size = (bank.detach() - old).square().mean().sqrt()
        assert math.isclose(size, 0.2 * 0.01, rel_tol=0.3)  # singular values are a little below 1
        momentum = optimizer.state[bank]["momentum"]
        torch.testing.assert_close(momentum, (1 - MOMENTUM) * bank.grad)
