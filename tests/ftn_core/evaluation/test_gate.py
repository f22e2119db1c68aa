import math

import pytest

from ftn_core.evaluation.gate import Measured, Verdict, judge
from ftn_core.parameters.evaluation import Gate

BOUNDS = Gate(min_gain=6.0, max_harm=0.02, tolerance=0.1, min_evenness=0.3, max_megabytes=5.0, max_time=1.5, images=8)
NOISY = {0.1: 20.0, 0.2: 14.0, 0.4: 8.0, 0.6: 4.4}
PSNR = {0.1: 24.0, 0.2: 28.0, 0.4: 25.0, 0.6: 20.0}


def measured(**changes):
    model = {"trained": [0.2, 0.4], "ends": (0, 0.4), "degraded": NOISY, "score": PSNR, "evenness": 0.9}
    return Measured(**(model | {"megabytes": 1.0, "time": 1.0} | changes))


def failed(verdict):
    return {rule.name: rule for rule in verdict.rules if not rule.passed}


def test_without_a_champion_the_other_rules_decide():
    verdict = judge(BOUNDS, "1", measured(), 2, "sigma", note="There was no champion.")
    assert verdict.passed and verdict.word == "passed"
    assert [rule.name for rule in verdict.rules] == ["gain", "harm", "evenness", "size", "time"]
    assert (verdict.rules[0].value, verdict.rules[0].level) == (14.0, 0.2)  # 0.1 lies below the first level
    assert (verdict.rules[1].value, verdict.rules[1].level) == (-4.0, 0.1)  # on the dial, where 4 dB are gained


def test_levels_that_fall_stay_in_their_order_and_have_their_unit():
    psnr = {40: 30.0, 30: 29.0, 10: 20.0}
    model = measured(trained=[40, 10], ends=(100, 10), degraded=dict.fromkeys(psnr, 25.0), score=psnr)
    verdict = judge(BOUNDS, "1", model, 2, "quality")
    assert failed(verdict)["gain"].level == 10
    assert verdict.failures()[0] == "gain over the degraded input -5.00 dB at quality 10, at least 6 is allowed"
    assert "| quality | 40 | 30 | 10 |" in verdict.markdown()


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("gain", {"score": PSNR | {0.4: 13.9}}),
        ("harm", {"score": PSNR | {0.1: 19.97}}),
        ("harm", {"score": PSNR | {0.1: math.nan}}),
        ("evenness", {"evenness": 0.29}),
        ("evenness", {"evenness": math.nan}),
        ("size", {"megabytes": 5.1}),
        ("time", {"time": 1.6}),
    ],
)
def test_each_rule_fails_alone_and_what_is_no_number_fails(name, changes):
    verdict = judge(BOUNDS, "1", measured(**changes), 2, "sigma")
    assert list(failed(verdict)) == [name] and not verdict.passed
    (reason,) = verdict.failures()
    assert f"{failed(verdict)[name].bound:g} is allowed" in reason
    assert "**failed**" in verdict.markdown()


def test_what_is_no_number_at_a_trained_level_fails_both_as_gain_and_as_harm():
    verdict = judge(BOUNDS, "1", measured(score=PSNR | {0.4: math.nan}), 2, "sigma")
    assert list(failed(verdict)) == ["gain", "harm"]


def test_what_happens_beyond_the_dial_is_no_harm():
    assert judge(BOUNDS, "1", measured(score=PSNR | {0.6: 4.0}), 2, "sigma").passed
    assert judge(BOUNDS, "1", measured(ends=(0.2, 0.4), score=PSNR | {0.1: 4.0}), 2, "sigma").passed


def test_bounds_themselves_pass():
    model = measured(score=PSNR | {0.4: 14.0, 0.1: 19.98}, evenness=0.3, megabytes=5.0, time=1.5)
    assert judge(BOUNDS, "1", model, 2, "sigma").passed


@pytest.mark.parametrize("sigma", PSNR)
def test_worse_than_the_champion_at_one_sigma_is_enough(sigma):
    better_elsewhere = {other: value - 5 for other, value in PSNR.items()}
    verdict = judge(BOUNDS, "2", measured(), 2, "sigma", ("1", better_elsewhere | {sigma: PSNR[sigma] + 0.11}))
    rule = failed(verdict)["champion"]
    assert rule.level == sigma and rule.value == pytest.approx(-0.11)
    assert judge(BOUNDS, "2", measured(), 2, "sigma", ("1", better_elsewhere | {sigma: PSNR[sigma] + 0.09})).passed


def test_what_is_no_number_beside_a_champion_passes_nothing():
    verdict = judge(BOUNDS, "2", measured(), 2, "sigma", ("1", PSNR | {0.2: math.nan}))
    assert failed(verdict)["champion"].level == 0.2


def test_a_verdict_is_read_as_it_was_written(tmp_path):
    verdict = judge(BOUNDS, "2", measured(evenness=math.nan), 1, "sigma", ("1", PSNR))
    verdict.write(tmp_path / "verdict.json")
    again = Verdict.read(tmp_path / "verdict.json")
    assert again.scores == verdict.scores and math.isnan(again.rules[3].value)
    assert again.markdown() == verdict.markdown()
    assert "on 1 test image:" in again.markdown() and "version 1, champion" in again.markdown()
