import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from ftn_core.parameters.quantities import SIGMA
from ftn_core.report.conclusion import conclusion
from ftn_core.report.sections import Findings


@pytest.fixture
def findings(baselines, evaluations, costs, filters, sheets):
    pictures = {"base": sheets["ftn"].clean[:, :3, 0:1].transpose(0, 2, 1).repeat(3, 1) / 255.0}
    pictures["ftn/0.4"] = -pictures["base"]
    origin = {"commit": "abc, 2026-01-02", "seed": "0", "test photographs": "a<b>.png"}
    training = {"train_base": [(200, 24.0), (400, 26.1)]}
    return Findings(baselines, evaluations, costs, filters, pictures, sheets, SIGMA, training, origin, 7)


def with_objective(findings):
    """The same, as if the levels had been adapted for another objective than the error of pixels."""
    evaluations = [
        e.model_copy(
            update={
                "grid": [p.model_copy(update={"objective": 60 - p.psnr}) for p in e.grid],
                "scores": {s: replace(x, objective=60 - x.psnr) for s, x in e.scores.items()},
            }
        )
        for e in findings.evaluations
    ]
    networks = {
        name: {s: replace(x, objective=60 - x.psnr) for s, x in scores.items()}
        for name, scores in findings.baselines.scores.items()
    }
    baselines = findings.baselines.model_copy(update={"scores": networks})
    return replace(findings, evaluations=evaluations, baselines=baselines)


def not_rendered(figure):
    plt.close(figure)
    return b"<svg/>"


@pytest.mark.parametrize("more", [False, True])
def test_every_figure_stands_once_on_the_page_in_the_section_that_speaks_of_it(findings, more, monkeypatch):
    monkeypatch.setattr("ftn_core.report.sections.svg", not_rendered)
    findings = with_objective(findings) if more else findings
    figures = findings.figures()
    page = findings.page(figures)
    assert re.findall("<figcaption>(.*?)</figcaption>", re.sub('(?s)<div class="three">.*?</div>', "", page)) == list(
        figures
    )
    sections = dict(re.findall(r"(?s)<section id=\"s\d+\"><h2>(.*?)</h2>(.*?)</section>", page))
    assert "<figcaption>Loss over the dial" in sections["Where the dial should stand"]
    assert "<figcaption>One image along the dial" in sections["Drag the dial"]
    assert "<figcaption>Where the filters go" in sections["What happens to the filters"]
    assert ("Perception and distortion" in sections) == more == ("Perception and distortion" in figures)


def test_experiments_are_compared_by_the_psnr_of_rows_that_learn(findings):
    psnr = findings.psnr()
    assert list(psnr) == ["base", "from scratch", "noise-conditioned up to 0.4", "ftn", "a<b>", "ftn-chain"]
    assert psnr["from scratch"] == {0.1: 30, 0.2: 28.1}  # each level by the network that was trained for it
    assert psnr["ftn"] == {0.1: 30.0, 0.2: 27.5, 0.3: 26.0, 0.4: 25.004}


def test_it_says_where_it_comes_from_and_on_how_many_images(findings):
    page = findings.page({caption: [b"<svg/>"] for caption in findings.figures()})
    assert "<dt>commit</dt><dd>abc, 2026-01-02</dd>" in page and "<dd>a&lt;b&gt;.png</dd>" in page
    assert "on 7 test images" in page


def test_the_dial_opens_where_it_is_calibrated_for_the_image_and_shows_levels(findings):
    page = findings.page({caption: [b"<svg/>"] for caption in findings.figures()})
    data = json.loads(re.search(r"const sheets = (.*);", page)[1])
    # the image's level is 0.3: two thirds of the dial, which has the positions 0, 0.5, 1 (and 1.5, 2)
    assert [sheet["opening"] for sheet in data.values()] == [1, 1, 3]
    assert data["ftn"]["at"] == ["0.1 (26)", "0.25 (64)", "0.4 (102)"]


def test_the_conclusion_is_computed_from_the_table(findings):
    said = conclusion(findings.table())
    assert said[0] == "Best on average over sigma 0.2 (51), 0.3 (76), 0.4 (102): ftn-chain, 26.43 dB."
    assert said[1] == "Behind it are noise-conditioned up to 0.4 by 0.03 dB, ftn by 0.27 dB, a<b> by 0.27 dB."
    assert said[2] == "ftn-chain beside networks trained for one level alone: -0.20 dB at 0.2 (51)."
    assert said[3].startswith("ftn-chain beside the base alone: +5.90 dB at 0.2 (51)")
    assert said[4] == "At levels that were not trained for (0.3 (76)), noise-conditioned up to 0.4 is best."
    assert said[5] == "One more level costs ftn-chain +2.40 % of the base's parameters."


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_it_is_read_without_scrolling_sideways_and_figures_have_the_colours_of_the_page(
    findings, chromium, theme
):
    page = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme=theme)
    page.set_content(findings.page(findings.figures()))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for table in page.locator("table").all():  # the names of the rows, and three columns at least
        assert table.locator("tr:first-child th").nth(3).evaluate("e => e.getBoundingClientRect().right") <= 390
    for drawn in page.locator(".drawn img").all():
        width = drawn.evaluate("e => e.getBoundingClientRect().width")
        assert 9 * width / drawn.evaluate("e => e.naturalWidth * 0.75") > 8  # a text of 9 points, in pixels
    figure = Image.open(io.BytesIO(page.locator(".drawn img").first.screenshot())).convert("L")
    assert (np.median(np.asarray(figure)) < 64) == (theme == "dark")  # its paper
    page.close()
