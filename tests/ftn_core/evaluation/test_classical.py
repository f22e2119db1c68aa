import numpy as np
import pytest

from ftn_core.evaluation.classical import CLASSICAL_DENOISERS


@pytest.mark.parametrize("name", CLASSICAL_DENOISERS)
@pytest.mark.parametrize("sigma", [0.1, 0.4])
def test_it_denoises(name, sigma):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:64, :80] / 80
    clean = np.stack([y, x, (y > 0.4) * 0.8], -1).astype(np.float32)
    noisy = (clean + sigma * rng.standard_normal(clean.shape)).astype(np.float32)
    restored = CLASSICAL_DENOISERS[name](noisy, sigma)
    assert restored.shape == clean.shape
    assert np.square(restored - clean).mean() < 0.25 * sigma**2
