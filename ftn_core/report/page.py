"""``report.html``: one self-contained file, for readers who have not seen the code."""

import base64
import html
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ftn_core.evaluation.records.evaluation import Evaluation
from ftn_core.report.contact_sheet import ContactSheet


@dataclass(frozen=True)
class ReportSection:
    """A section of the page.

    Args:
        title: the heading, as text.
        words: how to read the section, as text.
        body: HTML.
    """

    title: str
    words: str
    body: str


def make_page(title: str, introduction: str, sections: Sequence[ReportSection]) -> str:
    """The whole page, for light and dark mode, desktops and phones."""
    links = "".join(f'<li><a href="#s{i}">{html.escape(s.title)}</a></li>' for i, s in enumerate(sections))
    parts = "".join(
        f'<section id="s{i}"><h2>{html.escape(s.title)}</h2><p>{html.escape(s.words)}</p>{s.body}</section>'
        for i, s in enumerate(sections)
    )
    return _PAGE.format(title=html.escape(title), introduction=html.escape(introduction), links=links, parts=parts)


def figure(caption: str, drawn: Sequence[bytes]) -> str:
    """HTML of SVG pictures, beside each other where there is room, with their caption."""
    images = "".join(
        f'<img alt="{html.escape(caption)}" src="data:image/svg+xml;base64,{base64.b64encode(svg).decode()}">'
        for svg in drawn
    )
    return f'<figure><div class="drawn">{images}</div><figcaption>{html.escape(caption)}</figcaption></figure>'


def facts(named: Mapping[str, str]) -> str:
    """HTML of a list of names and what they are."""
    items = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in named.items())
    return f"<dl>{items}</dl>"


def items(sentences: Sequence[str]) -> str:
    """HTML of a list of sentences."""
    return "<ul>" + "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences) + "</ul>"


def smoothness_table(evaluations: Sequence[Evaluation]) -> str:
    """HTML of a table of ``Smoothness``, with a row for each method."""
    heads = ("method", "evenness", "largest jump, of 255", "monotonicity", "straightness")
    head = "<tr>" + "".join(f"<th>{name}</th>" for name in heads) + "</tr>"
    rows = "".join(
        f"<tr><th>{html.escape(e.name)}</th><td>{e.smoothness.evenness:.3f}</td><td>{e.smoothness.largest_jump:.2f}</td>"
        f"<td>{e.smoothness.monotonicity:.2f}</td><td>{e.smoothness.straightness:.3f}</td></tr>"
        for e in evaluations
    )
    return f'<div class="scroll"><table>{head}{rows}</table></div>'


def dial(sheets: Mapping[str, ContactSheet], labels: Mapping[str, Sequence[str]], opening: Mapping[str, int]) -> str:
    """HTML of a slider over the sheets' dial positions, which changes the restored crop.

    Args:
        labels: of each sheet's positions.
        opening: the position that each sheet is shown at first.
    """
    pictures = {
        name: {
            "at": list(labels[name]),
            "opening": opening[name],
            "psnr": sheet.psnr(),
            "src": [_jpeg(crop) for crop in sheet.restored],
        }
        for name, sheet in sheets.items()
    }
    first = next(iter(sheets.values()))
    options = "".join(f"<option>{html.escape(name)}</option>" for name in sheets)
    # "</script>" inside a string would end the script
    data = json.dumps(pictures).replace("</", "<\\/")
    return _DIAL.format(options=options, clean=_jpeg(first.clean), degraded=_jpeg(first.degraded), data=data)


def _jpeg(pixels: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=92)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


_DIAL = """
<div class="dial">
<p><label>Method <select id="method">{options}</select></label>
<label>Dial <input id="place" type="range" min="0" value="0" step="1"></label> <output id="says"></output></p>
<div class="three"><figure><img id="restored" alt="restored"><figcaption>restored</figcaption></figure>
<figure><img alt="degraded" src="{degraded}"><figcaption>degraded</figcaption></figure>
<figure><img alt="clean" src="{clean}"><figcaption>clean</figcaption></figure></div></div>
<script>
const sheets = {data};
const method = document.getElementById("method"), place = document.getElementById("place");
function show() {{
  const sheet = sheets[method.value], i = place.value;
  document.getElementById("restored").src = sheet.src[i];
  document.getElementById("says").textContent = sheet.at[i] + ": " + sheet.psnr[i].toFixed(2) + " dB";
}}
function open() {{
  place.max = sheets[method.value].at.length - 1;
  place.value = sheets[method.value].opening;
  show();
}}
method.onchange = open;
place.oninput = show;
open();
</script>
"""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.55 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }}
p, ul {{ max-width: 46rem; }} nav ul {{ columns: 2; padding-left: 1.2rem; }}
dl {{ display: grid; grid-template-columns: auto 1fr; gap: .2rem 1rem; max-width: 60rem; }} dt {{ font-weight: 500; }}
dd {{ margin: 0; overflow-wrap: anywhere; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .3rem .5rem; text-align: right; white-space: nowrap; }} th {{ font-weight: 500; }}
th:first-child {{ text-align: left; position: sticky; left: 0; background: Canvas; }}
tr + tr {{ border-top: 1px solid #8884; }}
.best {{ font-weight: 700; }} .second {{ font-style: italic; }} .reference {{ opacity: .75; }}
figure {{ margin: 1.5rem 0; }} img {{ max-width: 100%; border-radius: 6px; }}
.drawn {{ display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }}
.drawn img {{ width: 100%; max-width: 36rem; image-rendering: pixelated; }}
figcaption {{ font-size: .9rem; opacity: .8; }}
.three {{ display: flex; gap: 1rem; flex-wrap: wrap; }} .three figure {{ margin: 0; }}
.three img {{ width: min(300px, 80vw); image-rendering: pixelated; }}
input[type=range] {{ width: min(20rem, 60vw); vertical-align: middle; }}
@media (max-width: 600px) {{
  body {{ margin: 1rem auto; }} h1 {{ font-size: 1.6rem; }} dl {{ display: block; }} nav ul {{ columns: 1; }}
  table {{ font-size: .85rem; }} th, td {{ padding: .3rem .35rem; }}
  th {{ white-space: normal; }} th:first-child {{ min-width: 6.5rem; max-width: 8rem; }}
  .three img {{ width: 42vw; }} dd {{ margin: 0 0 .6rem; }}
}}
</style></head><body>
<h1>{title}</h1>
<p>{introduction}</p>
<nav><ul>{links}</ul></nav>
{parts}
</body></html>
"""
