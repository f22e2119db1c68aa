"""The page's layout, and which event handler each control calls."""

from typing import Any

import gradio as gr

from serving.demo.actions import NO_MODEL, Actions, show_user_errors
from serving.demo.viewer import viewer

THEME = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
CSS = """
.gradio-container .main { max-width: 1400px; margin: 0 auto; }
#title h1 { font-size: 20px; margin: 0; }
#about, #about * { font-size: 13px; }
#ends { margin: calc(-0.75 * var(--layout-gap)) 0; }
.ends { display: flex; justify-content: space-between; font-size: 13px; }
#dial .min_value, #dial .max_value { display: none; }
/* a dial whose levels fall: the highest value is on the left, and the track is still filled from the left */
.falling .slider_input_container { direction: rtl; }
.falling .slider_input_container input[type=range]::-webkit-slider-runnable-track {
  background:
    linear-gradient(to left, var(--neutral-200) var(--range_progress), var(--slider-color) var(--range_progress));
}
"""


def build_page(actions: Actions) -> gr.Blocks:
    """The page. It opens with the first sample and the first model."""
    samples, choices = list(actions.samples), actions.choices()
    dial_options, ends_options, find_options, degrade_options, strength_options = actions.controls(actions.models.first)
    with gr.Blocks(title="ftn: the dial", analytics_enabled=False, fill_width=True, delete_cache=(600, 3600)) as page:
        picture = gr.State()
        gr.Markdown("# Drag the dial", elem_id="title")
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                pictures_view = viewer()
                dial = gr.Slider(**dial_options, buttons=[], elem_id="dial")
                ends = gr.HTML(**ends_options, elem_id="ends")
                with gr.Row():
                    find = gr.Button(**find_options, size="md", min_width=120, elem_id="find")
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
                degrade = gr.Checkbox(True, **degrade_options, elem_id="degrade")
                strength = gr.Slider(**strength_options, buttons=[], elem_id="strength")
                model = gr.Dropdown(choices, value=actions.models.first, label="Model", elem_id="model")
                other = gr.Dropdown(
                    [("nothing", NO_MODEL), *choices], value=NO_MODEL, label="Side by side with", elem_id="other"
                )
                with gr.Group(visible=False) as place:
                    across = gr.Slider(0, 1, 0.5, step=0.01, label="Part in view: left to right", elem_id="across")
                    down = gr.Slider(0, 1, 0.5, step=0.01, label="Part in view: top to bottom", elem_id="down")
                about = gr.Markdown(elem_id="about")

        # one event at a time, because the networks use all cores
        network: dict[str, Any] = {"concurrency_id": "network", "concurrency_limit": 1, "show_progress": "hidden"}
        private = network | {"api_visibility": "private"}
        setting = [picture, degrade, strength, across, down, model, other, dial]
        # of the changes that arrive while an answer is computed, Gradio keeps only the last
        redraw: dict[str, Any] = {"trigger_mode": "always_last", "inputs": setting, "outputs": pictures_view}
        both = [model, other]
        opened = [picture, degrade, across, down, place, about]
        show_all = show_user_errors(actions.show_all)

        dial.change(show_user_errors(actions.show), api_name="set_dial", **network, **redraw)
        for control in (degrade, strength, across, down):
            control.change(show_all, **private, **redraw)
        (
            page.load(show_user_errors(actions.open_sample), sample, opened, api_name="open", **network)
            .success(show_all, **private, **redraw)
            .then(actions.refresh_models, both, both, api_visibility="private", show_progress="hidden")
        )
        for event in (
            # not `input`, which fires again when the box loses the focus, and not `change`, which an upload fires too
            sample.select(show_user_errors(actions.open_sample), sample, opened, **private),
            upload.upload(show_user_errors(actions.open_upload), [upload, model], [*opened, dial, sample], **private),
            reference.upload(
                show_user_errors(actions.set_reference), [picture, reference], [picture, about], **private
            ),
            model.change(
                show_user_errors(actions.choose_model),
                [model, other, dial, strength],
                [dial, ends, find, degrade, strength, other],
                **private,
            ),
            other.change(show_user_errors(actions.comparable), both, other, **private),
        ):
            event.success(show_all, **private, **redraw)
        find.click(show_user_errors(actions.estimate_level), setting, dial, **private)
        # without the limit of one at a time: a large picture takes long. A click on the hidden button saves the file
        download.click(show_user_errors(actions.save), setting, file, api_visibility="private").success(
            None, js="() => document.querySelector('#file').click()"
        )
    return page
