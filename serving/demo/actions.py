"""What happens when something on the page is touched."""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from ftn_core.errors import UserError
from ftn_core.noise_level import estimate_sigma
from serving.demo import models, pictures
from serving.demo.answer import Answers, Setting, to_pixels
from serving.demo.pictures import Picture

NOTHING = "none"
NOISE = 0.35
STEP = 0.005
"""Of sigma, on the dial and for the noise that is added."""


def told(function: Callable[..., Any]) -> Callable[..., Any]:
    """A user's mistake becomes a message on the page; the page goes on as it was."""

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:  # noqa: ANN401 - whatever the event brings
        try:
            return function(*arguments)
        except UserError as error:
            raise gr.Error(str(error), print_exception=False, duration=None) from None

    return call


class Actions:
    """One for the whole server; what differs from one open page to the next comes with each call.

    A ``setting`` is the values of: picture, noise, across, down, model, other model or ``NOTHING``, sigma.

    Raises:
        UserError: there is no model, or ``model``, with which the page is asked to open, cannot be loaded.
    """

    def __init__(self, model: str | None = None) -> None:
        self._asked = model
        self.models = models.find(model)
        self.samples = pictures.samples()
        self.answers = Answers()
        self.ends(self.models.first, NOISE)

    def choices(self) -> list[tuple[str, str]]:
        """Models by label."""
        return [(label, source) for source, label in self.models.labels.items()]

    def show(self, *setting: Any) -> dict[str, object]:  # noqa: ANN401
        """The restored pictures: the dial was turned."""
        return self.answers(_setting(*setting), self.models.labels, before=False)

    def show_all(self, *setting: Any) -> dict[str, object]:  # noqa: ANN401
        """The noisy picture, too: something else than the dial has changed."""
        return self.answers(_setting(*setting), self.models.labels, before=True)

    def pick(self, sample: str, noise: float = NOISE) -> tuple[Any, ...]:
        """Open one of the samples, which get noise, else there is nothing to see."""
        photograph = self.samples[sample]
        about = f"{photograph.source}: {photograph.terms}"
        return _opened(pictures.read(photograph.path, about), noise or NOISE)

    def take(self, file: str) -> tuple[Any, ...]:
        """Open an uploaded photograph, as it is."""
        return _opened(pictures.read(Path(file)), 0.0)

    def refer(self, picture: Picture, file: str) -> tuple[Picture, str]:
        """Take an upload for the truth that PSNR is measured against."""
        found = pictures.with_reference(picture, pictures.read(Path(file)))
        return found, f"{_about(found)} PSNR is measured against {Path(file).name}."

    def ends(self, model: str, sigma: float) -> dict[str, Any]:
        """The dial of another model goes from its first to its last level."""
        low, high = self.answers.dials(model).ends
        return gr.update(minimum=low, maximum=high, value=_within(sigma, low, high))

    def level(self, *setting: Any) -> float:  # noqa: ANN401
        """Where the dial belongs for the noise that is estimated from what is in view."""
        chosen = _setting(*setting)
        low, high = self.answers.dials(chosen.models[0]).ends
        found = estimate_sigma(self.answers.scene(chosen).noisy)
        beyond = "" if low <= found <= high else f", beyond the dial's {low:g} to {high:g}"
        gr.Info(f"The noise is about {found:.3f} ({255 * found:.0f}/255){beyond}.")
        return _within(found, low, high)

    def save(self, *setting: Any) -> str:  # noqa: ANN401
        """The whole picture restored by the first model, as an 8-bit PNG; returns its path."""
        chosen = _setting(*setting)
        scene = pictures.scene(chosen.picture, pictures.whole(chosen.picture), chosen.noise)
        restored = self.answers.dials(chosen.models[0]).restore_apart(scene.noisy, chosen.sigma)
        folder = Path(tempfile.mkdtemp(dir=gr.utils.get_upload_folder()))
        path = folder / f"{Path(chosen.picture.name).stem}-restored-{chosen.sigma:g}.png"
        Image.fromarray(to_pixels(restored)).save(path, compress_level=1)
        return str(path)

    def refresh(self, model: str, other: str) -> tuple[Any, Any]:
        """Offer what was trained and registered since the server was started."""
        self.models = models.find(self._asked)
        if self.models.trouble:
            gr.Warning(self.models.trouble)
        choices = self.choices()
        return gr.update(choices=choices, value=model), gr.update(choices=[("nothing", NOTHING), *choices], value=other)


def _setting(
    picture: Picture, noise: float, across: float, down: float, model: str, other: str, sigma: float
) -> Setting:
    return Setting(picture, noise, across, down, (model,) if other == NOTHING else (model, other), sigma)


def _opened(picture: Picture, noise: float) -> tuple[Any, ...]:
    return picture, noise, 0.5, 0.5, gr.update(visible=_cut(picture)), _about(picture)


def _within(sigma: float, low: float, high: float) -> float:
    """The slider's nearest step."""
    return round(round(min(high, max(low, sigma)) / STEP) * STEP, 3)


def _cut(picture: Picture) -> bool:
    """Whether only a part of it is in view."""
    return pictures.window(picture, 0.5, 0.5) != pictures.whole(picture)


def _about(picture: Picture) -> str:
    part = pictures.window(picture, 0.5, 0.5)
    shown = f" {part.width} × {part.height} of them are shown; the download restores all." if _cut(picture) else ""
    return f"{picture.name}, {picture.size} pixels.{shown} {picture.about}"
