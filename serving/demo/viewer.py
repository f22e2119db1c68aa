"""The page's picture viewer: divider, zoom, and a second picture beside the first.

Gradio's own ImageSlider does not work with the keyboard, zooms each picture separately, and writes every picture to a
file on disk.
"""

from pathlib import Path

import gradio as gr

_HERE = Path(__file__).parent


def viewer() -> gr.HTML:
    """Draws what ``Answers`` returns. Zoom, place and divider are kept in the browser."""
    return gr.HTML(
        elem_id="viewer",
        html_template=_html(),
        css_template=(_HERE / "viewer.css").read_text(),
        js_on_load=(_HERE / "viewer.js").read_text(),
        apply_default_css=False,
    )


def _html() -> str:
    pane = (_HERE / "pane.html").read_text()
    first = pane.format(
        hidden="", picture="Picture", restored="restored picture", divider="Divider between input and restored"
    )
    second = pane.format(
        hidden=" hidden",
        picture="Picture by the other model",
        restored="picture restored by the other model",
        divider="Divider of the second picture",
    )
    return (_HERE / "viewer.html").read_text().format(panes=first + second)
