"""Shared by all figures: line styles that colour-blind people can distinguish, and the conversion to PNG."""

import io
from collections.abc import Iterable

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

# Okabe and Ito (2008); there is one marker less, so that lines of the same colour have different markers
_COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#999933"]
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


def png(figure: Figure) -> bytes:
    """The figure as PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    plt.close(figure)
    return buffer.getvalue()
