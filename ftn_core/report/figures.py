"""Shared by all figures: their size, line styles that colour-blind people can distinguish, and the conversion to SVG.

The report is read on desktops and phones, in light and dark mode. So figures are as wide as a phone, a wider page puts
them beside each other, and they take the text's colour from the reader's mode.
"""

import io
from collections.abc import Iterable

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

WIDTH = 5.0
"""In inches: about as wide as a phone, so that text of 9 points is as large as the page's."""
TEXT = "#010203"
"""Stands for the colour of the reader's text: dark in light mode, light in dark mode."""

mpl.rcParams.update({
    "text.color": TEXT, "axes.edgecolor": TEXT, "axes.labelcolor": TEXT, "xtick.color": TEXT, "ytick.color": TEXT,
    "figure.facecolor": "none", "axes.facecolor": "none", "legend.framealpha": 0, "font.size": 9, "legend.fontsize": 9,
    "svg.fonttype": "none", "svg.hashsalt": "ftn",
})  # fmt: skip
_MODES = "<style>svg{color:#1b1d21}@media(prefers-color-scheme:dark){svg{color:#e8eaed}}</style>"

# Okabe and Ito (2008); there is one marker less, so that lines of the same colour have different markers
_COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", TEXT, "#999933"]
_MARKERS = "osD^vP*"
_LINES = ["-", "--", ":"]


def styles(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """The line style of each name; the same names give the same styles in every figure."""
    return {
        name: {
            "color": _COLOURS[i % len(_COLOURS)],
            "marker": _MARKERS[i % len(_MARKERS)],
            "linestyle": _LINES[i // len(_MARKERS) % len(_LINES)],
        }
        for i, name in enumerate(names)
    }


def legend(figure: Figure, **options: object) -> None:
    """The figure's legend, below it."""
    figure.legend(loc="outside lower center", ncols=2, **options)  # type: ignore[arg-type]


def svg(figure: Figure) -> bytes:
    """The figure as SVG for both modes; the same figure gives the same bytes."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = buffer.getvalue()
    head, rest = text[text.index("<svg") :].split(">", 1)
    return f"{head}>{_MODES}{rest}".replace(TEXT, "currentColor").encode()
