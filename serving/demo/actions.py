"""What happens when something on the page is touched."""

import functools
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from ftn_core.denoiser.denoiser import between
from ftn_core.utils.errors import UserError
from ftn_core.utils.levels import level_name
from ftn_core.words.labels import label, phrase
from serving.demo import controls, models, pictures
from serving.demo.answer import Answers, Setting, to_pixels
from serving.demo.pictures import Picture
from serving.noise_level import estimate_sigma

NOTHING = "none"
MIDDLE = math.nan
"""For a slider that nobody has moved yet."""


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

    A ``setting`` is the values of: picture, whether it is degraded, at which level, across, down, model, other model or
    ``NOTHING``, level of the dial.

    Raises:
        UserError: there is no model, or ``model``, with which the page is asked to open, cannot be loaded.
    """

    def __init__(self, model: str | None = None) -> None:
        self._asked = model
        self.models = models.find(model)
        self.samples = pictures.samples()
        self.answers = Answers()
        self.answers.dials(self.models.first)

    def choices(self) -> list[tuple[str, str]]:
        """Models by label."""
        return [(label, source) for source, label in self.models.labels.items()]

    def show(self, *setting: Any) -> dict[str, object]:  # noqa: ANN401
        """The restored pictures: the dial was turned."""
        return self.answers(_setting(*setting), self.models.labels, before=False)

    def show_all(self, *setting: Any) -> dict[str, object]:  # noqa: ANN401
        """The input, too: something else than the dial has changed."""
        return self.answers(_setting(*setting), self.models.labels, before=True)

    def pick(self, sample: str) -> tuple[Any, ...]:
        """Open one of the samples, which are degraded, else there is nothing to see."""
        photograph = self.samples[sample]
        about = f"{photograph.source}: {photograph.terms}"
        return _opened(pictures.read(photograph.path, about), degraded=True)

    def take(self, file: str) -> tuple[Any, ...]:
        """Open an uploaded photograph, as it is."""
        return _opened(pictures.read(Path(file)), degraded=False)

    def refer(self, picture: Picture, file: str) -> tuple[Picture, str]:
        """Take an upload for the truth that PSNR is measured against."""
        found = pictures.with_reference(picture, pictures.read(Path(file)))
        return found, f"{_about(found)} PSNR is measured against {Path(file).name}."

    def controls(self, model: str, level: float = MIDDLE, strength: float = MIDDLE) -> list[dict[str, Any]]:
        """What a model makes of the dial, its ends, the button that finds its level, and how examples are degraded."""
        dial = self.answers.dials(model)
        return [
            controls.turned(dial, level),
            controls.ends(dial),
            controls.found(dial),
            controls.degraded(dial),
            controls.strength(dial, strength),
        ]

    def choose(self, model: str, other: str, level: float, strength: float) -> list[Any]:
        """Another model: it has controls of its own. Ends with what can stay side by side with it."""
        return [*(gr.update(**options) for options in self.controls(model, level, strength)), self.beside(model, other)]

    def beside(self, model: str, other: str) -> str:
        """The other model, or none where one dial cannot turn both."""
        if other == NOTHING:
            return other
        units = [self.answers.dials(source).quantity for source in (model, other)]
        if units[0] == units[1]:
            return other
        gr.Warning(f"One dial cannot turn both: they are of {units[0]} and {units[1]}.")
        return NOTHING

    def level(self, *setting: Any) -> float:  # noqa: ANN401
        """Where the dial belongs for the noise that is estimated from what is in view."""
        chosen = _setting(*setting)
        dial = self.answers.dials(chosen.models[0])
        found = estimate_sigma(self.answers.scene(chosen).degraded)
        first, last = (label(dial.quantity, end) for end in dial.ends)
        beyond = "" if between(found, *dial.ends) else f", beyond the dial's {first} to {last}"
        gr.Info(f"Found {phrase(dial.quantity, found)}{beyond}.")
        return controls.nearest(dial, found)

    def save(self, *setting: Any) -> str:  # noqa: ANN401
        """The whole picture restored by the first model, as an 8-bit PNG; returns its path."""
        chosen = _setting(*setting)
        dial = self.answers.dials(chosen.models[0])
        restored = dial.restore_apart(self.answers.whole(chosen).degraded, chosen.level)
        folder = Path(tempfile.mkdtemp(dir=gr.utils.get_upload_folder()))
        path = folder / f"{Path(chosen.picture.name).stem}-restored-{dial.quantity.name}-{level_name(chosen.level)}.png"
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
    picture: Picture,
    degraded: bool,
    strength: float,
    across: float,
    down: float,
    model: str,
    other: str,
    level: float,
) -> Setting:
    chosen = (model,) if other == NOTHING else (model, other)
    return Setting(picture, strength if degraded else None, across, down, chosen, level)


def _opened(picture: Picture, *, degraded: bool) -> tuple[Any, ...]:
    return picture, degraded, 0.5, 0.5, gr.update(visible=_cut(picture)), _about(picture)


def _cut(picture: Picture) -> bool:
    """Whether only a part of it is in view."""
    return pictures.window(picture, 0.5, 0.5) != pictures.whole(picture)


def _about(picture: Picture) -> str:
    part = pictures.window(picture, 0.5, 0.5)
    shown = f" {part.width} × {part.height} of them are shown; the download restores all." if _cut(picture) else ""
    return f"{picture.name}, {picture.size} pixels.{shown} {picture.about}"
