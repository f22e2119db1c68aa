import numpy as np
import pytest
import torch

from ftn_core.data.store import Store, StoreWriter
from ftn_core.degradations.noise import add_noise
from ftn_core.evaluation.pairs import Pairs
from ftn_core.utils.errors import UserError

CPU = torch.device("cpu")
SIZES = [(8, 10), (10, 8), (8, 10), (8, 10), (30, 40), (10, 8), (8, 10)]


class Counted(Store):
    """A store that counts how often each image is read."""

    reads = 0

    def __getitem__(self, i):
        self.reads += 1
        return super().__getitem__(i)


@pytest.fixture
def stores(tmp_path):
    rng = np.random.default_rng(0)
    sigmas = (0.1, 0.5)
    with StoreWriter(tmp_path / "clean", "uint8") as writer:
        for i, size in enumerate(SIZES):
            writer.append(f"{i}", rng.integers(0, 256, (3, *size), np.uint8))
    clean = Counted(tmp_path / "clean")
    for sigma in sigmas:
        with StoreWriter(tmp_path / f"{sigma}", "float16") as writer:
            for name, pixels in zip(clean.names, clean, strict=True):
                writer.append(name, add_noise(pixels, sigma, seed=0, clip=False))
    clean.reads = 0
    return clean, {sigma: Counted(tmp_path / f"{sigma}") for sigma in sigmas}


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (240, [[0, 2, 3], [6], [1, 5], [4]]),
        (80, [[0], [2], [3], [6], [1], [5], [4]]),
        (10**6, [[0, 2, 3, 6], [1, 5], [4]]),
    ],
)
def test_images_of_one_size_go_together_within_the_bound(stores, pixels, expected):
    clean, noisy = stores
    batches = list(Pairs(clean, noisy, CPU, pixels=pixels).batches(0.5))
    assert [batch.places for batch in batches] == expected
    for batch in batches:
        for place, y, x in zip(batch.places, batch.degraded, batch.clean, strict=True):
            assert y.dtype == x.dtype == torch.float32
            assert np.array_equal(y, noisy[0.5][place].astype(np.float32))
            assert torch.equal(x, torch.from_numpy(clean[place] / np.float32(255)))


def reads_of_a_pass(pairs, clean, noisy, sigma):
    before = clean.reads, noisy[sigma].reads
    list(pairs.batches(sigma))
    return clean.reads - before[0], noisy[sigma].reads - before[1]


def test_images_are_converted_once_while_memory_lasts(stores):
    clean, noisy = stores
    pairs = Pairs(clean, noisy, CPU)
    clean.reads = 0  # their sizes were looked at
    assert reads_of_a_pass(pairs, clean, noisy, 0.1) == (7, 7)
    assert reads_of_a_pass(pairs, clean, noisy, 0.1) == (0, 0)
    assert reads_of_a_pass(pairs, clean, noisy, 0.5) == (0, 7)
    assert reads_of_a_pass(pairs, clean, noisy, 0.5) == (0, 0)


def test_what_does_not_fit_is_read_again(stores):
    clean, noisy = stores
    # noisy and clean of the first batch, four images of 80 pixels, and nothing else
    pairs = Pairs(clean, noisy, CPU, keep=2 * 4 * 80 * 3 * 4)
    first = [(batch.degraded.clone(), batch.clean.clone()) for batch in pairs.batches(0.1)]
    assert reads_of_a_pass(pairs, clean, noisy, 0.1) == (3, 3)
    for batch, (y, x) in zip(pairs.batches(0.1), first, strict=True):
        assert torch.equal(batch.degraded, y)
        assert torch.equal(batch.clean, x)


def test_a_degraded_set_of_other_photographs_is_refused(stores, make_store):
    _, noisy = stores
    with pytest.raises(UserError, match=r"0\.1 was not made from .*others: run `dvc repro`"):
        Pairs(make_store("others"), noisy, CPU)
