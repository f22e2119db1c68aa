"""The part of the page that shows pictures: divider, zoom and a second picture beside the first.

Gradio's own ImageSlider cannot be reached by keyboard, zooms each picture for itself, and shows every picture through
a file on disk.
"""

from pathlib import Path

import gradio as gr

_HERE = Path(__file__).parent


def viewer() -> gr.HTML:
    """Draws what ``Answers`` gives; zoom, place and divider stay in the browser."""
    return gr.HTML(
        elem_id="viewer",
        html_template=(_HERE / "viewer.html").read_text(),
        css_template=(_HERE / "viewer.css").read_text(),
        js_on_load=(_HERE / "viewer.js").read_text(),
        apply_default_css=False,
    )
