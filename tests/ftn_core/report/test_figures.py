import pytest

from ftn_core.parameters.quantities import SIGMA
from ftn_core.report import curves, dial
from ftn_core.report.contact_sheet import plot_contact_sheet
from ftn_core.report.figures import png, styles


@pytest.fixture
def draw(baselines, evaluations, sheets, filters):
    from ftn_core.report import filters as drawn

    pictures = {"base": sheets["ftn"].clean[:, :3, 0:1].transpose(0, 2, 1).repeat(3, 1) / 255.0}
    pictures["ftn/0.4"] = -pictures["base"]
    return {
        "psnr": lambda: curves.plot_psnr(baselines, evaluations, SIGMA),
        "heat": lambda: dial.plot_heat(evaluations, SIGMA),
        "dial": lambda: dial.plot_dial(evaluations, SIGMA),
        "sheets": lambda: plot_contact_sheet(sheets),
        "correlation": lambda: drawn.plot_correlation(filters),
        "trajectories": lambda: drawn.plot_trajectories(filters),
        "filters": lambda: drawn.plot_filters(filters, pictures),
    }


@pytest.mark.parametrize("name", ["psnr", "heat", "dial", "sheets", "correlation", "trajectories", "filters"])
def test_the_same_results_give_the_same_bytes(draw, name):
    first = png(draw[name]())
    assert first.startswith(b"\x89PNG") and first == png(draw[name]())


@pytest.mark.parametrize("name", ["psnr", "heat", "dial", "correlation", "trajectories"])
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


@pytest.mark.parametrize("name", ["psnr", "dial", "correlation", "trajectories"])
def test_every_axis_says_what_it_is(draw, name):
    for axes in draw[name]().axes:
        assert axes.get_xlabel() and axes.get_ylabel()


def test_names_are_told_apart_in_black_and_white_too():
    found = styles(str(i) for i in range(20))
    assert len({(style["marker"], style["linestyle"]) for style in found.values()}) == 20
