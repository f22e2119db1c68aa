"""What all figures share: colours that colour-blind people tell apart, and the way to PNG."""

import io
from collections.abc import Iterable

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

# Okabe and Ito (2008); markers are one fewer, so that what shares a colour has another marker and line
_COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#999933"]
_MARKERS = "osD^vP*"
_LINES = ["-", "--", ":"]


def styles(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """How each name is drawn, in every figure alike."""
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
