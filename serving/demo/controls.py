"""Properties of the page's controls that depend on the model, as keyword arguments of Gradio's components."""

from html import escape
from typing import Any

from ftn_core.degradations.degradation import Degradation
from ftn_core.words.description import describe
from ftn_core.words.labels import label
from serving.demo.denoisers import LoadedDenoiser


def dial_slider(denoiser: LoadedDenoiser, level: float) -> dict[str, Any]:
    """The dial: a slider over the levels."""
    return _slider(denoiser, level, f"Dial: {denoiser.quantity.meaning}")


def dial_ends(denoiser: LoadedDenoiser) -> dict[str, Any]:
    """The levels at the dial's ends in words, below it."""
    first, last = (escape(label(denoiser.quantity, level)) for level in denoiser.ends)
    return {"value": f'<div class="ends"><span>{first}</span><span>{last}</span></div>'}


def find_button(denoiser: LoadedDenoiser) -> dict[str, Any]:
    """The button that sets the dial to the level estimated from the picture."""
    return {"value": f"Find {denoiser.quantity.name}", "visible": denoiser.task.degradation.by_noise_alone}


def degrade_checkbox(denoiser: LoadedDenoiser) -> dict[str, Any]:
    """Whether the picture is degraded first, as the model's training images were. Hidden if they were not degraded."""
    words = describe(Degradation.of(denoiser.task.degradation))
    return {"label": f"Degrade it first: {words}", "visible": bool(words)}


def strength_slider(denoiser: LoadedDenoiser, level: float) -> dict[str, Any]:
    """The level at which the picture is degraded. Hidden if the degradation does not depend on a level."""
    return _slider(denoiser, level, "Degraded at") | {"visible": denoiser.task.degradation.varied is not None}


def nearest_step(denoiser: LoadedDenoiser, level: float) -> float:
    """The slider's position that is nearest to a level."""
    low, high = sorted(denoiser.ends)
    steps = round((level - low) / denoiser.quantity.step)
    return round(min(high, max(low, low + steps * denoiser.quantity.step)), 6)


def _slider(denoiser: LoadedDenoiser, level: float, label: str) -> dict[str, Any]:
    """A slider from the weakest level on the left to the strongest on the right.

    It stands at ``level``, or where the page opens if that is beyond the ends.
    """
    low, high = sorted(denoiser.ends)
    start = level if low <= level <= high else denoiser.opening
    falling = denoiser.ends[0] > denoiser.ends[1]
    return {
        "minimum": low,
        "maximum": high,
        "step": denoiser.quantity.step,
        "value": nearest_step(denoiser, start),
        "label": f"{label} ({denoiser.quantity.name})",
        "elem_classes": ["falling"] if falling else [],
    }
