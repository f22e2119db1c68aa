import pytest

from ftn_core.evaluation.records.score import Score
from ftn_core.parameters.quantities import QUALITY, SIGMA
from ftn_core.report.table import make_table, spread_table


@pytest.fixture
def table(baselines, evaluations, costs):
    return make_table(baselines, evaluations, costs, SIGMA)


def cells(text: str, row: str) -> list[str]:
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {row} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_columns_name_sigma_on_both_scales_and_star_what_was_not_trained_for(table):
    assert table.head() == ["0.1 (26)", "0.2 (51)*", "0.3 (76)*", "0.4 (102)"]
    assert "PSNR in dB at sigma (of 255)" in table.markdown()


def test_columns_are_labelled_in_the_quantitys_words(baselines, evaluations, costs):
    table = make_table(baselines, evaluations, costs, QUALITY)
    assert "| PSNR in dB at quality |" in table.markdown() and table.head()[0] == "0.1"


def test_best_and_second_are_marked_among_the_methods_as_printed(table):
    text = table.markdown()
    assert cells(text, "ftn-chain")[:4] == ["30.00", "**27.90†**", "*26.10*", "**25.30**"]
    assert cells(text, "noise-conditioned up to 0.4")[:4] == ["29.90", "*27.80*", "**26.20**", "*25.20*"]
    # what differs in the third decimal is printed as equal, and neither is marked
    assert cells(text, "ftn")[3] == cells(text, "a<b>")[3] == "25.00"


def test_baselines_are_not_ranked_and_leave_out_what_they_do_not_know(table):
    text = table.markdown()
    assert cells(text, "from scratch, one network a level")[:4] == ["30.00", "28.10", "–", "–"]
    assert cells(text, "degraded input") == ["20.00", "14.00", "11.00", "8.00", "", "", ""]


def test_without_networks_from_scratch_there_is_no_row_of_dashes(baselines, evaluations, costs):
    alone = baselines.model_copy(update={"from_scratch": {0.1: "base"}})
    assert "from scratch, one network a level" not in make_table(alone, evaluations, costs, SIGMA).markdown()


def test_costs_stand_beside_the_base(table):
    text = table.markdown()
    assert cells(text, "ftn")[4:] == ["+2.40 %", "1.00×", "1.02× ± 0.03"]
    assert cells(text, "noise-conditioned up to 0.4")[4:6] == ["+0.00 % for all", "1.10×"]
    assert cells(text, "base alone")[4:] == ["1,000 in all", "1.00 G", "1.00×"]


def test_a_line_has_its_own_score_at_the_base_level_and_does_not_decide_what_is_trained_for(
    baselines, evaluations, costs
):
    line = evaluations[0].model_copy(update={"name": "line-0.3", "own_base": True, "trained": [0.1, 0.3]})
    line = line.model_copy(update={"scores": {s: Score(28.0, 0.7) for s in line.scores}})
    table = make_table(baselines, [*evaluations, line], costs | {"line-0.3": costs["ftn"]}, SIGMA)
    assert table.head() == ["0.1 (26)", "0.2 (51)*", "0.3 (76)*", "0.4 (102)"]
    assert cells(table.markdown(), "line-0.3")[:3] == ["28.00", "**28.00**", "**28.00†**"]


def test_html_escapes_and_says_the_same(table):
    html = table.html()
    assert "<th>a&lt;b&gt;</th>" in html and "<b>" not in html
    assert '<td class="best">27.90†</td>' in html
    assert html.count("<tr") == len(table.rows) + 1


def test_ssim_has_three_digits_and_no_costs(baselines, evaluations, costs):
    table = make_table(baselines, evaluations, costs, SIGMA, metric="ssim")
    assert cells(table.markdown(), "ftn") == ["0.750", "0.688", "0.650", "0.625"]


def test_spread_over_seeds():
    seeds = [{"from scratch": {"0.5": x + 0.5}, "ftn": {"0.2": 28.0 + x, "0.5": 24.0}} for x in (0.0, 0.2, 0.4)]
    text = spread_table(seeds, SIGMA)
    assert "3 seeds" in text and "0.2 (51) | 0.5 (128)" in text
    assert cells(text, "ftn") == ["28.20 ± 0.20", "24.00 ± 0.00"]
    assert cells(text, "from scratch") == ["–", "0.70 ± 0.20"]
