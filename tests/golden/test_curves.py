"""Golden curves: thirty steps of every network, loss, method and line give the committed losses, on every processor."""

import json

import pytest
import torch
from golden import CASES, CURVES, STEPS, Trainings

TOLERANCE = 1e-6
"""Of a loss, relative. Processors differ by less than 1e-9; one per cent of the learning rate makes over 1e-4."""
GOLDEN = json.loads(CURVES.read_text())


@pytest.fixture(scope="module")
def trainings(tmp_path_factory):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # networks so small gain nothing from more
    yield Trainings(tmp_path_factory.mktemp("golden"))
    torch.set_num_threads(threads)


def deviation(losses, golden):
    return max(abs(loss - expected) / expected for loss, expected in zip(losses, golden, strict=True))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_training_gives_its_golden_curve(trainings, case):
    losses, golden = trainings.losses(case), GOLDEN[str(case)]
    assert deviation(losses, golden) < TOLERANCE, (
        f"{case} trains differently now: its losses over {STEPS} steps are {losses}, the golden ones {golden}. If the "
        "change is meant, run `python tests/support/golden.py` and commit tests/golden/curves.json"
    )


@pytest.mark.parametrize("case", CASES[::4], ids=str)
def test_one_per_cent_of_the_learning_rate_is_noticed(trainings, case):
    assert deviation(trainings.losses(case, faster=1.01), GOLDEN[str(case)]) > 10 * TOLERANCE


def test_every_golden_curve_is_of_a_case():
    assert list(GOLDEN) == [str(case) for case in CASES]
