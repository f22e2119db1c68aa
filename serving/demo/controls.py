"""What a model makes of the page's controls: range, step and words of its dial, and how examples are degraded."""

from html import escape
from typing import Any

from ftn_core.degradations.degradation import Degradation
from ftn_core.words.description import describe
from ftn_core.words.labels import label
from serving.demo.dials import Dial


def slider(dial: Dial, level: float, label: str) -> dict[str, Any]:
    """From the base on the left to the last level on the right; at ``level`` or, if that is beyond, in the middle."""
    low, high = sorted(dial.ends)
    stands = level if low <= level <= high else (low + high) / 2
    falling = dial.ends[0] > dial.ends[1]
    return {
        "minimum": low,
        "maximum": high,
        "step": dial.quantity.step,
        "value": nearest(dial, stands),
        "label": f"{label} ({dial.quantity.name})",
        "elem_classes": ["falling"] if falling else [],
    }


def nearest(dial: Dial, level: float) -> float:
    """Where the slider can stand."""
    low, high = sorted(dial.ends)
    steps = round((level - low) / dial.quantity.step)
    return round(min(high, max(low, low + steps * dial.quantity.step)), 6)


def turned(dial: Dial, level: float) -> dict[str, Any]:
    """The dial itself."""
    return slider(dial, level, f"Dial: {dial.quantity.meaning}")


def ends(dial: Dial) -> dict[str, Any]:
    """Both ends of the dial in words."""
    first, last = (escape(label(dial.quantity, level)) for level in dial.ends)
    return {"value": f'<div class="ends"><span>{first}</span><span>{last}</span></div>'}


def found(dial: Dial) -> dict[str, Any]:
    """The button that turns the dial to what is found in the picture."""
    return {"value": f"Find {dial.quantity.name}", "visible": dial.task.degradation.by_noise_alone}


def degraded(dial: Dial) -> dict[str, Any]:
    """Whether the picture goes through the model's degradation first; nothing to ask where that does nothing."""
    words = describe(Degradation.of(dial.task.degradation))
    return {"label": f"Degrade it first: {words}", "visible": bool(words)}


def strength(dial: Dial, level: float) -> dict[str, Any]:
    """At which level; hidden where no step goes by it."""
    return slider(dial, level, "Degraded at") | {"visible": dial.task.degradation.varied is not None}
