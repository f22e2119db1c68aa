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


def figure(caption: str, png: bytes) -> str:
    """HTML of a picture with its caption."""
    return (
        f'<figure><img alt="{html.escape(caption)}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


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


def dial(sheets: Mapping[str, ContactSheet]) -> str:
    """HTML of a slider over the sheets' dial positions, which changes the restored crop."""
    pictures = {
        name: {"at": sheet.positions, "psnr": sheet.psnr(), "src": [_jpeg(crop) for crop in sheet.restored]}
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
  const sheet = sheets[method.value];
  place.max = sheet.at.length - 1;
  const i = Math.min(place.value, place.max);
  document.getElementById("restored").src = sheet.src[i];
  document.getElementById("says").textContent = sheet.at[i].toFixed(2) + ": " + sheet.psnr[i].toFixed(2) + " dB";
}}
method.onchange = place.oninput = show;
show();
</script>
"""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.55 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }}
p, ul {{ max-width: 46rem; }} nav ul {{ columns: 2; padding-left: 1.2rem; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .3rem .5rem; text-align: right; white-space: nowrap; }}
th:first-child {{ text-align: left; }} tr + tr {{ border-top: 1px solid #8884; }} th {{ font-weight: 500; }}
.best {{ font-weight: 700; }} .second {{ font-style: italic; }} .reference {{ opacity: .75; }}
figure {{ margin: 1.5rem 0; }} img {{ max-width: 100%; background: #fff; border-radius: 6px; }}
figcaption {{ font-size: .9rem; opacity: .8; }}
.three {{ display: flex; gap: 1rem; flex-wrap: wrap; }} .three figure {{ margin: 0; }}
.three img {{ width: min(300px, 80vw); image-rendering: pixelated; }}
input[type=range] {{ width: min(20rem, 60vw); vertical-align: middle; }}
</style></head><body>
<h1>{title}</h1>
<p>{introduction}</p>
<nav><ul>{links}</ul></nav>
{parts}
</body></html>
"""
