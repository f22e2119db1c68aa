"""The page's event handlers."""

import functools
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from ftn_core.denoiser.denoiser import between
from ftn_core.noise_level.estimate import estimate_sigma
from ftn_core.utils.errors import UserError
from ftn_core.utils.levels import level_name
from ftn_core.words.labels import label, phrase
from serving.demo import controls, pictures
from serving.demo.answer import Answers, Setting, to_uint8
from serving.demo.models import find_models
from serving.demo.pictures import OpenedPicture

NO_MODEL = "none"
"""Value of the second model's box when there is none."""
UNSET = math.nan
"""A slider's level before anybody has moved it: the slider stands where the page opens."""


def show_user_errors(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Show a ``UserError`` of an event handler as a message on the page. The page stays as it was."""

    @functools.wraps(handler)
    def call(*arguments: Any) -> Any:  # noqa: ANN401 - whatever the event brings
        try:
            return handler(*arguments)
        except UserError as error:
            raise gr.Error(str(error), print_exception=False, duration=None) from None

    return call


class Actions:
    """One object for the whole server. What differs between open pages is passed with each call.

    A ``setting`` is the values of: picture, whether it is degraded, level of the degradation, across, down, model,
    second model or ``NO_MODEL``, level of the dial.

    Raises:
        UserError: there is no model, or ``model``, with which the page is to open, cannot be loaded.
    """

    def __init__(self, model: str | None = None) -> None:
        self._asked = model
        self.models = find_models(model)
        self.samples = pictures.samples()
        self.answers = Answers()
        self.answers.denoisers(self.models.first)

    def choices(self) -> list[tuple[str, str]]:
        """Labels and sources of the models."""
        return [(label, source) for source, label in self.models.labels.items()]

    def show(self, *setting: Any) -> dict[str, object]:  # noqa: ANN401
        """Restored pictures, without the input: only the dial was moved."""
        return self.answers(_setting(*setting), self.models.labels, with_input=False)

    def show_all(self, *setting: Any) -> dict[str, object]:  # noqa: ANN401
        """Restored pictures and the input."""
        return self.answers(_setting(*setting), self.models.labels, with_input=True)

    def open_sample(self, sample: str) -> tuple[Any, ...]:
        """Open a sample photograph. Samples are clean, so degrading is switched on."""
        photograph = self.samples[sample]
        about = f"{photograph.source}: {photograph.terms}"
        return _opened(pictures.decode_picture(photograph.path, about), degraded=True)

    def open_upload(self, file: str, model: str) -> tuple[Any, ...]:
        """Open an uploaded photograph, with degrading switched off, and find its noise if the model is for noise.

        Also returned: the dial's position, and the list of samples, of which none is chosen any more.
        """
        picture = pictures.decode_picture(Path(file))
        view = pictures.scene(picture, pictures.window(picture, 0.5, 0.5))
        return *_opened(picture, degraded=False), self._found(model, view), gr.update(value=None)

    def set_reference(self, picture: OpenedPicture, file: str) -> tuple[OpenedPicture, str]:
        """Take an upload as the clean picture that PSNR is measured against."""
        found = pictures.with_reference(picture, pictures.decode_picture(Path(file)))
        return found, f"{_about(found)} PSNR is measured against {Path(file).name}."

    def controls(self, model: str, level: float = UNSET, strength: float = UNSET) -> list[dict[str, Any]]:
        """Properties of the controls that depend on the model.

        In this order: dial, its ends, find button, degrade checkbox, strength slider.
        """
        denoiser = self.answers.denoisers(model)
        return [
            controls.dial_slider(denoiser, level),
            controls.dial_ends(denoiser),
            controls.find_button(denoiser),
            controls.degrade_checkbox(denoiser),
            controls.strength_slider(denoiser, strength),
        ]

    def choose_model(self, model: str, other: str, level: float, strength: float) -> list[Any]:
        """The controls of another model, and the second model if it can stay."""
        updates = [gr.update(**options) for options in self.controls(model, level, strength)]
        return [*updates, self.comparable(model, other)]

    def comparable(self, model: str, other: str) -> str:
        """The second model, or ``NO_MODEL`` if its levels are of another quantity than the first one's."""
        if other == NO_MODEL:
            return other
        first, second = (self.answers.denoisers(source).quantity for source in (model, other))
        if first == second:
            return other
        gr.Warning(f"One dial cannot set both: they are of {first} and {second}.")
        return NO_MODEL

    def estimate_level(self, *setting: Any) -> Any:  # noqa: ANN401
        """The slider's position for the noise that is estimated from the part in view."""
        chosen = _setting(*setting)
        return self._found(chosen.models[0], self.answers.scene(chosen))

    def _found(self, model: str, view: pictures.Scene) -> Any:  # noqa: ANN401 - a position or Gradio's "as it is"
        """The dial's position for the noise in view, which a message names; for other models the dial stays."""
        denoiser = self.answers.denoisers(model)
        if not denoiser.task.degradation.by_noise_alone:
            return gr.skip()
        found = estimate_sigma(view.degraded)
        first, last = (label(denoiser.quantity, end) for end in denoiser.ends)
        beyond = "" if between(found, *denoiser.ends) else f", beyond the dial's {first} to {last}"
        gr.Info(f"Found {phrase(denoiser.quantity, found)}{beyond}.")
        return controls.nearest_step(denoiser, found)

    def save(self, *setting: Any) -> str:  # noqa: ANN401
        """Restore the whole picture with the first model, and write it as an 8-bit PNG. Returns its path."""
        chosen = _setting(*setting)
        denoiser = self.answers.denoisers(chosen.models[0])
        restored = denoiser.restore_in_copy(self.answers.whole(chosen).degraded, chosen.level)
        folder = Path(tempfile.mkdtemp(dir=gr.utils.get_upload_folder()))
        stem, level = Path(chosen.picture.name).stem, level_name(chosen.level)
        path = folder / f"{stem}-restored-{denoiser.quantity.name}-{level}.png"
        Image.fromarray(to_uint8(restored)).save(path, compress_level=1)
        return str(path)

    def refresh_models(self, model: str, other: str) -> tuple[Any, Any]:
        """Offer models that were trained or registered after the server was started."""
        self.models = find_models(self._asked)
        if self.models.registry_error:
            gr.Warning(self.models.registry_error)
        choices = self.choices()
        return gr.update(choices=choices, value=model), gr.update(
            choices=[("nothing", NO_MODEL), *choices], value=other
        )


def _setting(
    picture: OpenedPicture,
    degraded: bool,
    strength: float,
    across: float,
    down: float,
    model: str,
    other: str,
    level: float,
) -> Setting:
    models = (model,) if other == NO_MODEL else (model, other)
    return Setting(picture, strength if degraded else None, across, down, models, level)


def _opened(picture: OpenedPicture, *, degraded: bool) -> tuple[Any, ...]:
    return picture, degraded, 0.5, 0.5, gr.update(visible=_is_cut(picture)), _about(picture)


def _is_cut(picture: OpenedPicture) -> bool:
    """Whether only a part of the picture is in view."""
    return pictures.window(picture, 0.5, 0.5) != pictures.whole(picture)


def _about(picture: OpenedPicture) -> str:
    part = pictures.window(picture, 0.5, 0.5)
    cut = f" {part.width} × {part.height} of them are shown; the download restores all." if _is_cut(picture) else ""
    return f"{picture.name}, {picture.size} pixels.{cut} {picture.about}"
