from dataclasses import replace

import pytest

from ftn_core.parameters.training import Schedule
from ftn_core.training.plan import Plan

COSINE = Schedule(name="cosine", warmup_steps=0, milestones=[])
PLAN = Plan(steps=100, lr=1.0, batch_size=1, crop=16, schedule=COSINE, validations=4)


def test_the_rate_follows_its_schedule():
    cosine = [PLAN.learning_rate(step) for step in range(100)]
    assert cosine[0] == 1 and cosine[50] == pytest.approx(0.5) and cosine[99] < 0.001
    warm = replace(PLAN, schedule=Schedule(name="cosine", warmup_steps=9, milestones=[]))
    assert warm.learning_rate(0) == pytest.approx(0.1)
    step = replace(PLAN, schedule=Schedule(name="step", warmup_steps=0, milestones=[0.5, 0.75]))
    assert [step.learning_rate(s) for s in (49, 50, 75)] == pytest.approx([1, 0.1, 0.01])


@pytest.mark.parametrize(
    ("steps", "validations", "after"), [(100, 4, {25, 50, 75, 100}), (10, 3, {4, 7, 10}), (2, 5, {1, 2}), (7, 1, {7})]
)
def test_validations_are_at_even_distances_and_the_last_step_has_one(steps, validations, after):
    assert replace(PLAN, steps=steps, validations=validations).validate_after == after
