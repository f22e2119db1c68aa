import pytest

from ftn_core.parameters.quantities import SIGMA
from ftn_core.report.figures import svg
from ftn_core.report.perception import measured, plot_curve
from ftn_core.report.table import FROM_SCRATCH, make_table


@pytest.fixture
def perceptual(baselines, evaluations):
    """The same results with an objective that gains where PSNR loses."""

    def with_objective(scores):
        return {s: type(x)(x.psnr, x.ssim, 60 - x.psnr) for s, x in scores.items()}

    own = [
        e.model_copy(
            update={
                "scores": with_objective(e.scores),
                "grid": [p.model_copy(update={"objective": 60 - p.psnr}) for p in e.grid],
            }
        )
        for e in evaluations
    ]
    networks = {n: with_objective(s) if n != "degraded input" else s for n, s in baselines.scores.items()}
    return baselines.model_copy(update={"scores": networks}), own


def test_the_curve_is_drawn_where_there_is_an_objective_beside_pixels(evaluations, perceptual):
    baselines, own = perceptual
    assert measured(own) and not measured(evaluations)
    figure = plot_curve(baselines, own)
    (axes,) = figure.axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    for e in own:
        at = [p for p in e.grid if p.level == 0.4]
        assert lines[e.name] == [[p.psnr, -p.objective] for p in at]
    assert axes.get_xlim()[0] > axes.get_xlim()[1]
    assert svg(plot_curve(baselines, own)) == svg(figure)


def test_the_table_of_the_objective_has_no_rows_without_one(perceptual, costs):
    baselines, own = perceptual
    table = make_table(baselines, own, costs, SIGMA, metric="objective")
    names = [row.name for row in table.rows]
    assert names == ["base alone", FROM_SCRATCH, "noise-conditioned up to 0.4", "ftn", "a<b>", "ftn-chain"]
    assert table.rows[3].values[0.1] == 60 - 30.0 and "multiply-adds" not in table.html()
