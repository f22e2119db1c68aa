import numpy as np

from ftn_core import report
from ftn_core.metrics import Score

ROWS = [
    report.Row("noisy input", {0.2: Score(14, 0.2), 0.3: Score(10.5, 0.1)}),
    report.Row("ftn, <interpolated>", {0.2: Score(28.004, 0.8), 0.3: Score(26, 0.75)}),
]


def test_the_table_marks_unseen_sigmas_and_the_best():
    lines = report.markdown_table(ROWS, trained=[0.2]).splitlines()
    assert lines[0] == "| PSNR in dB / SSIM at sigma | 0.2 | 0.3* |"
    assert lines[1].count("|") == 4
    assert lines[2] == "| noisy input | 14.00 / 0.200 | 10.50 / 0.100 |"
    assert lines[3] == "| ftn, <interpolated> | **28.00** / 0.800 | **26.00** / 0.750 |"


def test_the_page_is_self_contained_and_escaped():
    picture = report.png(report.plot_psnr(ROWS))
    page = report.html_page("T", ROWS, [0.2], {"PSNR & sigma": picture}, "notes <b>")
    assert "data:image/png;base64," in page
    assert "http" not in page
    assert "ftn, &lt;interpolated&gt;" in page and "<interpolated>" not in page
    assert "PSNR &amp; sigma" in page and "notes &lt;b&gt;" in page


def test_the_same_figures_give_the_same_bytes():
    sweeps = {s: {p: Score(20 + s + p, 0.5) for p in (0.0, 0.5, 1.0)} for s in (0.2, 0.3)}
    strip = [[("a", np.zeros((8, 8, 3), np.float32)), ("b", np.ones((8, 8, 3), np.float32))]]

    def pictures():
        dial = report.plot_dial(sweeps, [(0.2, 0.0), (0.3, 0.4)], [0.2, 0.5])
        return [report.png(f) for f in (report.plot_psnr(ROWS), dial, report.picture_strip(strip))]

    first = pictures()
    assert first == pictures()
    assert all(data.startswith(b"\x89PNG") for data in first)
