"""Plausible results of three methods, one of them a chain, at four sigmas."""

import numpy as np
import pytest

from ftn_core.evaluation.records.baselines import Baselines
from ftn_core.evaluation.records.costs import Cost
from ftn_core.evaluation.records.evaluation import Evaluation, GridPoint, Smoothness
from ftn_core.evaluation.records.filters import FilterChanges, Filters
from ftn_core.evaluation.records.score import Score
from ftn_core.report.contact_sheet import ContactSheet

SIGMAS = [0.1, 0.2, 0.3, 0.4]


def scores(*psnr):
    return {sigma: Score(value, value / 40) for sigma, value in zip(SIGMAS, psnr, strict=True)}


def evaluation(name, levels, *psnr):
    grid = [
        GridPoint(
            level=s, position=p / 2, psnr=30 - 10 * abs(p / 2 / (len(levels) - 1) - (s - 0.1) / 0.3), objective=None
        )
        for s in SIGMAS
        for p in range(2 * len(levels) - 1)
    ]
    return Evaluation(
        name=name,
        own_base=False,
        trained=levels,
        ends=(0.1, 0.4),
        blend=[],
        dial=[(s, (s - 0.1) / 0.3 * (len(levels) - 1)) for s in SIGMAS],
        scores=scores(*psnr),
        grid=grid,
        sheet_level=0.3,
        smoothness=Smoothness(evenness=0.8, largest_jump=2.5, monotonicity=1.0, straightness=0.99),
    )


@pytest.fixture
def evaluations():
    return [
        evaluation("ftn", [0.1, 0.4], 30.0, 27.5, 26.0, 25.004),
        evaluation("a<b>", [0.1, 0.4], 30.0, 27.6, 25.9, 25.001),
        evaluation("ftn-chain", [0.1, 0.2, 0.4], 30.0, 27.9, 26.1, 25.3),
    ]


@pytest.fixture
def baselines():
    return Baselines(
        scores={
            "degraded input": scores(20, 14, 11, 8),
            "base": scores(30, 22, 17, 13),
            "from scratch at 0.2": scores(28, 28.1, 22, 18),
            "noise-conditioned up to 0.4": scores(29.9, 27.8, 26.2, 25.2),
        },
        from_scratch={0.1: "base", 0.2: "from scratch at 0.2"},
        noise_conditioned=["noise-conditioned up to 0.4"],
    )


@pytest.fixture
def costs(evaluations):
    def cost(extra, adds=1_000_000_000):
        return Cost(
            parameters=1000,
            extra_parameters=extra,
            multiply_adds=adds,
            level_multiply_adds=0,
            time=1.02,
            time_spread=0.03,
        )

    of = {e.name: cost(0.024) for e in evaluations}
    return of | {"base": cost(0), "noise-conditioned up to 0.4": cost(0, 1_100_000_000)}


@pytest.fixture
def sheets(evaluations):
    rng = np.random.default_rng(0)

    def crop(*shape):
        return rng.integers(0, 256, (*shape, 8, 8, 3), dtype=np.uint8)

    return {
        e.name: ContactSheet(
            crop(), crop(), crop(2 * len(e.trained) - 1), [p / 2 for p in range(2 * len(e.trained) - 1)]
        )
        for e in evaluations
    }


@pytest.fixture
def filters(evaluations):
    changes = [
        FilterChanges(name=e.name, level=level, correlation={"head": 0.9, "body.0": 0.8, "tail": 0.95})
        for e in evaluations
        for level in e.trained[1:]
    ]
    trajectories = {
        e.name: [(0.0, 0.0), *((0.1 * i, 0.05) for i, _ in enumerate(e.trained[1:], 1))] for e in evaluations
    }
    return Filters(convolution="body.0", changes=changes, trajectories=trajectories, explained=(0.7, 0.2))
