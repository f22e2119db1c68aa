import re
from dataclasses import replace

import pytest
from matplotlib import pyplot as plt

from ftn_core.parameters.quantities import SIGMA
from ftn_core.report.sections import Findings


@pytest.fixture
def findings(baselines, evaluations, costs, filters, sheets):
    pictures = {"base": sheets["ftn"].clean[:, :3, 0:1].transpose(0, 2, 1).repeat(3, 1) / 255.0}
    pictures["ftn/0.4"] = -pictures["base"]
    return Findings(baselines, evaluations, costs, filters, pictures, sheets, SIGMA)


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
    return b"\x89PNG"


@pytest.mark.parametrize("more", [False, True])
def test_every_figure_stands_once_on_the_page_in_the_section_that_speaks_of_it(findings, more, monkeypatch):
    monkeypatch.setattr("ftn_core.report.sections.png", not_rendered)
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
