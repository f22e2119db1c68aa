"""The page: what is on it and what happens when it is touched."""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from ftn_core.errors import UserError
from serving.demo import models, pictures
from serving.demo.answer import Answers, Setting, to_pixels
from serving.demo.level import estimate_sigma
from serving.demo.pictures import Picture
from serving.demo.viewer import viewer

_NONE = "none"
_STEP = 0.005
_NOISE = 0.35

THEME = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
CSS = """
.gradio-container { max-width: 1400px !important; }
#title h1 { font-size: 20px; margin: 0; }
#about, #about * { font-size: 13px; }
"""


def _told(function: Callable[..., Any]) -> Callable[..., Any]:
    """A user's mistake becomes a message on the page; the page goes on as it was."""

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:  # noqa: ANN401 - whatever the event brings
        try:
            return function(*arguments)
        except UserError as error:
            raise gr.Error(str(error), print_exception=False, duration=None) from None

    return call


class Page:
    """``model`` is what it opens with: a file or an address in the registry; without it the champion or a file."""

    def __init__(self, model: str | None = None) -> None:
        self._asked = model
        self._models = models.find(model)
        self._samples = pictures.samples()
        self._terms = pictures.terms()
        self.answers = Answers()
        self.answers.dials(self._models.first)  # a model that cannot be loaded is said at once, in the terminal
        self.trouble = self._models.trouble

    def blocks(self) -> gr.Blocks:
        """Build the page."""
        low, high = self.answers.dials(self._models.first).ends
        choices = self._choices()
        with gr.Blocks(title="ftn: the dial", analytics_enabled=False, delete_cache=(600, 3600)) as page:
            picture = gr.State()
            gr.Markdown("# Drag the dial: one network, any strength", elem_id="title")
            with gr.Row():
                with gr.Column(scale=3, min_width=320):
                    shown = viewer()
                    dial = gr.Slider(
                        low,
                        high,
                        _within(_NOISE, low, high),
                        step=_STEP,
                        elem_id="dial",
                        label="Dial: noise to remove, sigma",
                    )
                    with gr.Row():
                        auto = gr.Button("Automatic level", min_width=140, elem_id="auto")
                        download = gr.Button("Download", min_width=140, elem_id="download")
                    file = gr.DownloadButton(visible="hidden", elem_id="file")
                with gr.Column(scale=2, min_width=320):
                    sample = gr.Dropdown(
                        list(self._samples), value=next(iter(self._samples)), label="Photograph", elem_id="sample"
                    )
                    with gr.Row():
                        upload = gr.UploadButton(
                            "Upload a photograph", file_types=["image"], min_width=140, elem_id="upload"
                        )
                        reference = gr.UploadButton(
                            "… without noise, for PSNR", file_types=["image"], min_width=140, elem_id="reference"
                        )
                    noise = gr.Slider(0, 0.8, _NOISE, step=_STEP, label="Noise to add, sigma", elem_id="noise")
                    model = gr.Dropdown(choices, value=self._models.first, label="Model", elem_id="model")
                    other = gr.Dropdown(
                        [("nothing", _NONE), *choices], value=_NONE, label="Side by side with", elem_id="other"
                    )
                    with gr.Group(visible=False) as place:
                        across = gr.Slider(
                            0, 1, 0.5, step=0.01, label="Part of the picture: from left to right", elem_id="across"
                        )
                        down = gr.Slider(0, 1, 0.5, step=0.01, label="From top to bottom", elem_id="down")
                    about = gr.Markdown(elem_id="about")

            setting = [picture, noise, across, down, model, other, dial]
            now = {"concurrency_id": "network", "concurrency_limit": 1, "show_progress": "hidden"}
            follow = now | {"trigger_mode": "always_last", "inputs": setting, "outputs": shown}
            everything = functools.partial(self._show, before=True)

            dial.change(_told(self._show), api_name="turn", **follow)
            for control in (noise, across, down):
                control.change(_told(everything), api_visibility="private", **follow)
            other.input(_told(everything), api_visibility="private", **follow)
            model.input(_told(self._ends), [model, dial], dial, api_visibility="private", **now).success(
                _told(everything), api_visibility="private", **follow
            )

            opened = [picture, noise, across, down, place, about]
            page.load(_told(self._open), sample, opened, api_name="open", **now).success(
                _told(everything), api_visibility="private", **follow
            ).then(self._refresh, [model, other], [model, other], api_visibility="private", show_progress="hidden")
            for event in (
                sample.input(_told(self._pick), [sample, noise], opened, api_name="pick", **now),
                upload.upload(_told(self._take), upload, opened, api_visibility="private", **now),
                reference.upload(
                    _told(self._refer), [picture, reference], [picture, about], api_visibility="private", **now
                ),
            ):
                event.success(_told(everything), api_visibility="private", **follow)
            auto.click(_told(self._level), [*setting], dial, api_visibility="private", **now)
            download.click(
                _told(self._save), setting, file, api_visibility="private", **(now | {"show_progress": "full"})
            ).success(None, js="() => document.querySelector('#file').click()")
        return page

    def _choices(self) -> list[tuple[str, str]]:
        return [(label, source) for source, label in self._models.labels.items()]

    def _setting(
        self, picture: Picture, noise: float, across: float, down: float, model: str, other: str, sigma: float
    ) -> Setting:
        return Setting(picture, noise, across, down, (model,) if other == _NONE else (model, other), sigma)

    def _show(self, *setting: Any, before: bool = False) -> dict[str, object]:  # noqa: ANN401
        return self.answers(self._setting(*setting), self._models.labels, before)

    def _open(self, sample: str) -> tuple[Any, ...]:
        return self._pick(sample, _NOISE)

    def _pick(self, sample: str, noise: float) -> tuple[Any, ...]:
        path = self._samples[sample]
        return self._opened(pictures.read(path, about=self._terms[path]), noise or _NOISE)

    def _take(self, file: str) -> tuple[Any, ...]:
        return self._opened(pictures.read(Path(file)), 0.0)

    def _opened(self, picture: Picture, noise: float) -> tuple[Any, ...]:
        part = pictures.window(picture, 0.5, 0.5)
        cut = part != pictures.whole(picture)
        return picture, noise, 0.5, 0.5, gr.update(visible=cut), _about(picture)

    def _refer(self, picture: Picture, file: str) -> tuple[Picture, str]:
        found = pictures.with_reference(picture, pictures.read(Path(file)))
        return found, f"{_about(found)} PSNR is measured against {Path(file).name}."

    def _ends(self, model: str, sigma: float) -> dict[str, Any]:
        low, high = self.answers.dials(model).ends
        return gr.update(minimum=low, maximum=high, value=_within(sigma, low, high))

    def _level(self, *setting: Any) -> float:  # noqa: ANN401
        chosen = self._setting(*setting)
        low, high = self.answers.dials(chosen.models[0]).ends
        found = estimate_sigma(self.answers.scene(chosen.picture, chosen.noise, chosen.across, chosen.down).noisy)
        beyond = "" if low <= found <= high else f", beyond the dial's {low:g} to {high:g}"
        gr.Info(f"The noise is about {found:.3f} ({255 * found:.0f}/255){beyond}.")
        return _within(found, low, high)

    def _save(self, *setting: Any) -> str:  # noqa: ANN401
        chosen = self._setting(*setting)
        scene = pictures.scene(chosen.picture, pictures.whole(chosen.picture), chosen.noise)
        restored = self.answers.dials(chosen.models[0]).restore(scene.noisy, chosen.sigma)
        folder = Path(tempfile.mkdtemp(dir=gr.utils.get_upload_folder()))
        path = folder / f"{Path(chosen.picture.name).stem}-restored-{chosen.sigma:g}.png"
        Image.fromarray(to_pixels(restored)).save(path, compress_level=1)
        return str(path)

    def _refresh(self, model: str, other: str) -> tuple[Any, Any]:
        """Versions that were registered since the page was built."""
        self._models = models.find(self._asked)
        if self._models.trouble:
            gr.Warning(self._models.trouble)
        choices = self._choices()
        return gr.update(choices=choices, value=model), gr.update(choices=[("nothing", _NONE), *choices], value=other)


def _within(sigma: float, low: float, high: float) -> float:
    """The slider's nearest step."""
    return round(round(min(high, max(low, sigma)) / _STEP) * _STEP, 3)


def _about(picture: Picture) -> str:
    part = pictures.window(picture, 0.5, 0.5)
    text = f"{picture.name}, {picture.size} pixels."
    if part != pictures.whole(picture):
        text += f" {part.width} × {part.height} of them are shown; the download restores all."
    return f"{text} {picture.about}"
