from dataclasses import replace

import pytest
from small_denoiser import DEJPEG, small_denoiser

from ftn_core.evaluation.gate import Measured, judge
from ftn_core.parameters.evaluation import Gate
from ftn_core.words.card import MAX_DESCRIPTION, MAX_SOURCES, CardContent, card, description

PHOTOGRAPHS = [
    {"split": split, "source": f"source {i}", "terms": "CC0"}
    for i in range(MAX_SOURCES + 2)
    for split in ("train", "val", "test")
]


@pytest.fixture
def content(tmp_path):
    return CardContent(
        model="ftn-dejpeg", version="7", method="ftn", denoiser=small_denoiser(tmp_path / "d", DEJPEG, (40, 10)),
        parameters=117932, megabytes=0.7, commit="abc123", manifest={"images": PHOTOGRAPHS, "skipped": ["x"]},
        table="| the table |\n", psnr={40.0: 32.5, 10.0: 28.25}, line=False,
    )  # fmt: skip


@pytest.fixture
def verdict():
    degraded, restored = {40.0: 30.0, 10.0: 27.0}, {40.0: 32.5, 10.0: 28.25}
    scores = Measured([40.0, 10.0], (100, 10), degraded, restored, 0.5, 0.7, 1.0)
    bounds = Gate(min_gain=2, max_harm=0.02, tolerance=0.1, min_evenness=0.2, max_megabytes=50, max_time=1.5, images=2)
    return judge(bounds, "7", scores, 2, "quality", note="There was no champion.")


def test_a_line_was_trained_at_all_levels(content, verdict):
    text = card(replace(content, method="line-10", line=True), verdict)
    assert "trained as `line-10` at all levels from quality 40 to quality 10. Objective" in text


def test_the_card_says_what_it_is_for_how_good_it_is_and_where_it_ends(content, verdict):
    text = card(content, verdict)
    for words in (
        "# ftn-dejpeg, version 7\n",
        "Restores colour photographs after JPEG compression; the strength is a dial, of quality (JPEG quality)",
        "trained at quality 40 and adapted by `ftn` to quality 10",
        "117,932 parameters at one place of the dial, a file of 0.70 MB",
        'mlflow.pyfunc.load_model("models:/ftn-dejpeg/7")',
        'params={"quality": 40}',
        "| PSNR in dB | 32.50 | 28.25 |",
        "| the table |",
        "**Version 7 failed the gate.** There was no champion.",
        "At quality 100 a picture stays as it is.",
        "Beyond quality 10 it restores as at that level.",
        "Commit `abc123`",
        "`ftn models lineage 7 --name ftn-dejpeg`",
    ):
        assert words in text, words


def test_photographs_are_counted_by_source_and_few_sources_are_listed(content, verdict):
    text = card(content, verdict)
    count = MAX_SOURCES + 2
    assert (
        f"{3 * count} photographs: {count} to train on, {count} to validate and calibrate on, {count} to test on"
        in text
    )
    assert "1 more could not be used" in text
    assert text.count("- 3 × source ") == MAX_SOURCES and "- and 2 more sources" in text


def test_the_description_has_the_failed_rule_and_fits_into_the_registry(content, verdict):
    text = description(content, verdict)
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert heads == ["## Gate", "## Results", "## Use", "## Limits", "## Make it again"]
    assert set(heads) < set(card(content, verdict).splitlines())
    assert "Failed the gate.\n- gain over the degraded input 1.25 dB at quality 10, at least 2 is allowed" in text
    assert "the table" not in text
    long = replace(content, psnr={float(level): 30.0 for level in range(2000)})
    assert len(description(long, verdict)) == MAX_DESCRIPTION
