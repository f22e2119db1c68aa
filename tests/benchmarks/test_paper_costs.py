"""The published cost table, counted again: nothing is timed, so these numbers stand."""

import pytest

from benchmarks import paper_costs
from benchmarks.paper_costs import ADAFM_NET, CFSNET_30, PRINTED, TOLERANCE, TRANSFORM_NET


@pytest.fixture(scope="module")
def counted():
    return {name: paper_costs.counted(name) for name in PRINTED}


@pytest.mark.parametrize(
    ("name", "row", "parameters"),
    [
        (ADAFM_NET, "base", 1_406_787),
        (ADAFM_NET, "FTN", 1_829_632),
        (ADAFM_NET, "FTN, 16 groups", 1_437_940),
        (CFSNET_30, "base", 2_366_915),
        (CFSNET_30, "FTN", 3_006_106),
        (CFSNET_30, "FTN, 16 groups", 2_414_734),
        (TRANSFORM_NET, "base", 1_677_635),
        (TRANSFORM_NET, "FTN", 2_061_803),
        (TRANSFORM_NET, "FTN, 16 groups", 1_704_671),
    ],
)
def test_parameters(counted, name, row, parameters):
    assert counted[name][row].parameters == parameters


@pytest.mark.parametrize(
    ("name", "row", "giga"),
    [
        (ADAFM_NET, "FTN", 25.355),
        (ADAFM_NET, "FTN, 16 groups", 25.133),
        (CFSNET_30, "FTN", 156.333),
        (CFSNET_30, "FTN, 16 groups", 155.997),
    ],
)
def test_what_ftn_adds_to_the_printed_base(counted, name, row, giga):
    added = counted[name][row].operations - counted[name]["base"].operations
    assert PRINTED[name]["base"][0] + added / 1e9 == pytest.approx(giga, abs=0.001)


def test_ftn_by_hand(counted):
    # 35 convolutions of 64 channels (one of 3 inputs), one of 256 and one of 3: two products, and for each value of a
    # filter two biases, three operations of the PReLU and one of the dial
    products = 34 * 64**2 * 64 * 9 + 64**2 * 27 + 256**2 * 64 * 9 + 3**2 * 64 * 9
    values = 34 * 64 * 64 * 9 + 64 * 27 + 256 * 64 * 9 + 3 * 64 * 9
    added = counted[ADAFM_NET]["FTN"].operations - counted[ADAFM_NET]["base"].operations
    assert added == 2 * products + 6 * values


def test_base_and_adafm_by_hand(counted):
    half, full = 128**2, 256**2
    products = (64 * 27 + 33 * 64 * 64 * 9 + 64 * 256 * 9) * half + (64 + 3) * 64 * 9 * full
    biases = (38 * half + full) * 64 + 3 * full
    relus, skips = 16 * 64 * half + 2 * 64 * full, 17 * 64 * half
    assert counted[ADAFM_NET]["base"].operations == products + biases + relus + skips
    added = counted[ADAFM_NET]["AdaFM"].operations - counted[ADAFM_NET]["base"].operations
    assert added == 33 * 64 * (25 + 1) * half + 33 * 64 * 25  # the identity is added to each filter once


def test_each_printed_figure_is_ours_or_its_difference_is_explained(counted):
    far = {
        (name, row, figure)
        for name, rows in PRINTED.items()
        for row, (giga, mega) in rows.items()
        for figure, printed, ours in (
            ("multiply-adds", giga, counted[name][row].operations / 1e9),
            ("parameters", mega, counted[name][row].parameters / 1e6),
        )
        if abs(ours / printed - 1) > TOLERANCE
    }
    assert far == set(paper_costs.explained())


def test_what_the_explanations_say():
    assert paper_costs.couplings_of_cfsnet() == (203_789, 512 * 256 + 256 * 128 + 128 * 64 + 32 * 2 * 64**2)
    printed = PRINTED[TRANSFORM_NET]["AdaFM"][0]
    assert paper_costs.adafm_after_the_head() / 1e9 == pytest.approx(printed, rel=TOLERANCE)
