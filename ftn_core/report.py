"""Results for people: a table, two plots, a picture strip, one page that holds them."""

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from ftn_core.metrics import Score


@dataclass(frozen=True)
class Row:
    """One method in the table: its scores by sigma."""

    name: str
    scores: dict[float, Score]


def markdown_table(rows: Sequence[Row], trained: Sequence[float]) -> str:
    """PSNR in dB / SSIM, methods by rows, sigmas by columns; the best in bold, unseen sigmas marked by a star."""
    sigmas = list(rows[0].scores)
    heads = [f"{sigma}" + ("" if sigma in trained else "*") for sigma in sigmas]
    best = {sigma: max(row.scores[sigma].psnr for row in rows) for sigma in sigmas}
    lines = ["| PSNR in dB / SSIM at sigma | " + " | ".join(heads) + " |", "|---" * (len(sigmas) + 1) + "|"]
    for row in rows:
        cells = []
        for sigma in sigmas:
            score = row.scores[sigma]
            bold = "**" if score.psnr == best[sigma] else ""
            cells.append(f"{bold}{score.psnr:.2f}{bold} / {score.ssim:.3f}")
        lines.append(f"| {row.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def plot_psnr(rows: Sequence[Row]) -> Figure:
    """PSNR over sigma, a line for each method."""
    figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    for row in rows:
        width = 2.5 if row.name.endswith("interpolated") else 1.2
        axes.plot(list(row.scores), [s.psnr for s in row.scores.values()], marker="o", lw=width, label=row.name)
    axes.set(xlabel="sigma of the noise (images in [0, 1])", ylabel="PSNR in dB")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=8)
    return figure


def plot_dial(
    sweeps: dict[float, dict[float, Score]], dial: Sequence[tuple[float, float]], levels: Sequence[float]
) -> Figure:
    """Loss in dB against the best position, over sigma and the dial, with the calibrated path over it."""
    sigmas, places = list(sweeps), list(next(iter(sweeps.values())))
    psnr = np.array([[sweeps[s][p].psnr for p in places] for s in sigmas])
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    mesh = axes.pcolormesh(places, sigmas, psnr - psnr.max(axis=1, keepdims=True), vmin=-6, shading="nearest")
    figure.colorbar(mesh, label="PSNR in dB, relative to the best place of the dial")
    points = [(sigma, place) for sigma, place in dial if sigmas[0] <= sigma <= sigmas[-1]]
    axes.plot([p for _, p in points], [s for s, _ in points], "r.-", label="calibrated on validation images")
    axes.set_xticks(range(len(levels)), [f"level {level}" for level in levels])
    axes.set(xlabel="place of the dial", ylabel="sigma of the noise", yticks=sigmas)
    axes.legend(loc="lower right", fontsize=8)
    return figure


def picture_strip(columns: Sequence[Sequence[tuple[str, NDArray[np.float32]]]]) -> Figure:
    """Crops ``H x W x 3`` in [0, 1] with captions, one inner sequence a row."""
    width = max(len(row) for row in columns)
    figure, grid = plt.subplots(
        len(columns), width, figsize=(2.2 * width, 2.5 * len(columns)), layout="constrained", squeeze=False
    )
    for line, row in zip(grid, columns, strict=True):
        for axes, (caption, image) in zip(line, row, strict=False):
            axes.imshow(np.clip(image, 0, 1), interpolation="nearest")
            axes.set_title(caption, fontsize=8)
        for axes in line:
            axes.axis("off")
    return figure


def png(figure: Figure) -> bytes:
    """The figure as PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    plt.close(figure)
    return buffer.getvalue()


def html_page(title: str, rows: Sequence[Row], trained: Sequence[float], figures: dict[str, bytes], notes: str) -> str:
    """One self-contained page, legible in light and dark."""
    sigmas = list(rows[0].scores)
    best = {sigma: max(row.scores[sigma].psnr for row in rows) for sigma in sigmas}

    def cell(row: Row, sigma: float) -> str:
        score = row.scores[sigma]
        strong = ' class="best"' if score.psnr == best[sigma] else ""
        return f"<td{strong}>{score.psnr:.2f}<small> {score.ssim:.3f}</small></td>"

    head = "".join(f"<th>{sigma}{'' if sigma in trained else '*'}</th>" for sigma in sigmas)
    body = "".join(
        f"<tr><th>{html.escape(row.name)}</th>{''.join(cell(row, sigma) for sigma in sigmas)}</tr>" for row in rows
    )
    pictures = "".join(
        f"<figure><figcaption>{html.escape(caption)}</figcaption>"
        f'<img alt="{html.escape(caption)}" src="data:image/png;base64,{base64.b64encode(data).decode()}"></figure>'
        for caption, data in figures.items()
    )
    return _PAGE.format(title=html.escape(title), head=head, body=body, notes=html.escape(notes), pictures=pictures)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; }} th, td {{ padding: .3rem .8rem; text-align: right; }}
th:first-child {{ text-align: left; }} tr + tr {{ border-top: 1px solid #8884; }}
.best {{ font-weight: 700; }} small {{ opacity: .7; }}
figure {{ margin: 2rem 0; }} img {{ max-width: 100%; background: #fff; border-radius: 6px; }}
</style></head><body>
<h1>{title}</h1>
<div class="scroll"><table><tr><th>PSNR in dB, SSIM small; sigma</th>{head}</tr>{body}</table></div>
<p>{notes}</p>{pictures}
</body></html>
"""
