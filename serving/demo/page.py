"""What is on the page, and which action follows when it is touched."""

from typing import Any

import gradio as gr

from serving.demo.actions import NOTHING, Actions, told
from serving.demo.viewer import viewer

THEME = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
CSS = """
.gradio-container .main { max-width: 1400px; margin: 0 auto; }
#title h1 { font-size: 20px; margin: 0; }
#about, #about * { font-size: 13px; }
#ends { margin: calc(-0.75 * var(--layout-gap)) 0; }
.ends { display: flex; justify-content: space-between; font-size: 13px; }
#dial .min_value, #dial .max_value { display: none; }
/* from the highest value on the left down to the lowest, filled from the left all the same */
.falling .slider_input_container { direction: rtl; }
.falling .slider_input_container input[type=range]::-webkit-slider-runnable-track {
  background:
    linear-gradient(to left, var(--neutral-200) var(--range_progress), var(--slider-color) var(--range_progress));
}
"""


def build(actions: Actions) -> gr.Blocks:
    """The page, opened with the first sample and the first model."""
    samples, choices = list(actions.samples), actions.choices()
    turned, ends, found, degraded, strength_of = actions.controls(actions.models.first)
    with gr.Blocks(title="ftn: the dial", analytics_enabled=False, fill_width=True, delete_cache=(600, 3600)) as page:
        picture = gr.State()
        gr.Markdown("# Drag the dial", elem_id="title")
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                shown = viewer()
                dial = gr.Slider(**turned, buttons=[], elem_id="dial")
                scale = gr.HTML(**ends, elem_id="ends")
                with gr.Row():
                    auto = gr.Button(**found, size="md", min_width=120, elem_id="auto")
                    download = gr.Button("Download", size="md", min_width=120, elem_id="download")
                file = gr.DownloadButton(visible="hidden", elem_id="file")
            with gr.Column(scale=2, min_width=320):
                sample = gr.Dropdown(samples, value=samples[0], label="Photograph", elem_id="sample")
                with gr.Row():
                    upload = gr.UploadButton(
                        "Upload …", file_types=["image"], size="md", min_width=120, elem_id="upload"
                    )
                    reference = gr.UploadButton(
                        "Clean copy …", file_types=["image"], size="md", min_width=120, elem_id="reference"
                    )
                degrade = gr.Checkbox(True, **degraded, elem_id="degrade")
                strength = gr.Slider(**strength_of, buttons=[], elem_id="strength")
                model = gr.Dropdown(choices, value=actions.models.first, label="Model", elem_id="model")
                other = gr.Dropdown(
                    [("nothing", NOTHING), *choices], value=NOTHING, label="Side by side with", elem_id="other"
                )
                with gr.Group(visible=False) as place:
                    across = gr.Slider(0, 1, 0.5, step=0.01, label="Part in view: left to right", elem_id="across")
                    down = gr.Slider(0, 1, 0.5, step=0.01, label="Part in view: top to bottom", elem_id="down")
                about = gr.Markdown(elem_id="about")

        # one at a time, because the networks use all cores
        now: dict[str, Any] = {"concurrency_id": "network", "concurrency_limit": 1, "show_progress": "hidden"}
        private = now | {"api_visibility": "private"}
        setting = [picture, degrade, strength, across, down, model, other, dial]
        # while an answer is under way only the last of the changes that follow is kept
        follow: dict[str, Any] = {"trigger_mode": "always_last", "inputs": setting, "outputs": shown}
        opened = [picture, degrade, across, down, place, about]
        show_all = told(actions.show_all)

        dial.change(told(actions.show), api_name="turn", **now, **follow)
        for control in (degrade, strength, across, down):
            control.change(show_all, **private, **follow)
        (
            page.load(told(actions.pick), sample, opened, api_name="open", **now)
            .success(show_all, **private, **follow)
            .then(actions.refresh, [model, other], [model, other], api_visibility="private", show_progress="hidden")
        )
        for event in (
            # not `input`, which comes a second time when the box is left
            sample.change(told(actions.pick), sample, opened, **private),
            upload.upload(told(actions.take), upload, opened, **private),
            reference.upload(told(actions.refer), [picture, reference], [picture, about], **private),
            model.change(
                told(actions.choose),
                [model, other, dial, strength],
                [dial, scale, auto, degrade, strength, other],
                **private,
            ),
            other.change(told(actions.beside), [model, other], other, **private),
        ):
            event.success(show_all, **private, **follow)
        auto.click(told(actions.level), setting, dial, **private)
        # not among the others: a large picture takes its time. The browser saves what a link names: the hidden button
        download.click(told(actions.save), setting, file, api_visibility="private").success(
            None, js="() => document.querySelector('#file').click()"
        )
    return page
