import re

import pytest
from matplotlib import pyplot as plt

from ftn_core.parameters.quantities import SIGMA
from ftn_core.report import curves, dial
from ftn_core.report.contact_sheet import plot_contact_sheet
from ftn_core.report.figures import styles, svg

TRAINING = {"train_base": [(200, 24.0), (400, 26.1)], "finetune-ftn-0.4": [(50, 20.0), (100, 22.5)]}


@pytest.fixture
def draw(baselines, evaluations, sheets, filters):
    from ftn_core.report import filters as drawn

    pictures = {"base": sheets["ftn"].clean[:, :3, 0:1].transpose(0, 2, 1).repeat(3, 1) / 255.0}
    pictures["ftn/0.4"] = -pictures["base"]
    yield {
        "psnr": lambda: curves.plot_psnr(baselines, evaluations, SIGMA)[0],
        "below best": lambda: curves.plot_psnr(baselines, evaluations, SIGMA)[1],
        "heat": lambda: dial.plot_heat(evaluations, SIGMA)[2],
        "training": lambda: curves.plot_training(TRAINING),
        "dial": lambda: dial.plot_dial(evaluations, SIGMA),
        "sheets": lambda: plot_contact_sheet("ftn", sheets["ftn"], ["0.1 (26)", "0.25 (64)", "0.4 (102)"]),
        "correlation": lambda: drawn.plot_correlation(filters),
        "trajectories": lambda: drawn.plot_trajectories(filters),
        "filters": lambda: drawn.plot_filters(filters, pictures),
    }
    plt.close("all")


def test_the_same_results_give_the_same_bytes_and_every_figure_suits_a_phone_and_both_modes(draw):
    for name in draw:
        first = svg(draw[name]())
        assert first == svg(draw[name]()), name
        text = first.decode()
        assert float(re.search(r'width="([\d.]+)pt"', text)[1]) <= 72 * 5.01  # a phone is about so wide
        assert text.count("currentColor") > 3 and "prefers-color-scheme:dark" in text
        assert "#000000" not in text and "#ffffff" not in re.sub("stroke: #ffffff", "", text), name  # no paper, no ink
        sizes = [float(size) for size in re.findall(r"font: (?:[a-z]+ )?([\d.]+)px", text)]
        assert not sizes or min(sizes) >= 6.3, name


@pytest.mark.parametrize("name", ["psnr", "below best", "heat", "dial", "training", "correlation", "trajectories"])
def test_nothing_overlaps(draw, name):
    figure = draw[name]()
    figure.draw_without_rendering()
    boxes = [axes.get_tightbbox() for axes in figure.axes]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    boxes += [label.get_window_extent() for label in (figure._supxlabel, figure._supylabel) if label]
    for i, a in enumerate(boxes):
        assert a.x0 >= -1 and a.y0 >= -1 and a.x1 <= figure.bbox.x1 + 1 and a.y1 <= figure.bbox.y1 + 1
        for b in boxes[i + 1 :]:
            assert not (a.shrunk(0.98, 0.98).overlaps(b.shrunk(0.98, 0.98))), name


@pytest.mark.parametrize("name", ["psnr", "below best", "dial", "training", "correlation", "trajectories"])
def test_every_axis_says_what_it_is(draw, name):
    for axes in draw[name]().axes:
        assert axes.get_xlabel() and axes.get_ylabel()


def test_names_are_told_apart_in_black_and_white_too():
    found = styles(str(i) for i in range(20))
    assert len({(style["marker"], style["linestyle"]) for style in found.values()}) == 20


def test_a_place_of_the_dial_and_its_level_belong_together(evaluations):
    chain = evaluations[2]
    for level in (0.1, 0.13, 0.25, 0.4):
        assert dial.level_of(chain, dial.place_of(chain, level)) == pytest.approx(level)
    assert dial.place_of(chain, 0.25) == pytest.approx(1)  # as it is calibrated, not as it is trained
