"""What a model makes of the page's controls: range, step and words of its dial, and how examples are degraded."""

from html import escape
from typing import Any

from serving.demo.dials import Dial


def slider(dial: Dial, level: float, label: str) -> dict[str, Any]:
    """From the base on the left to the last level on the right; at ``level`` or, if that is beyond, in the middle."""
    low, high = sorted(dial.ends)
    stands = level if low <= level <= high else (low + high) / 2
    falling = dial.ends[0] > dial.ends[1]
    return {
        "minimum": low,
        "maximum": high,
        "step": dial.unit.step,
        "value": nearest(dial, stands),
        "label": f"{label} ({dial.unit.name})",
        "elem_classes": ["falling"] if falling else [],
    }


def nearest(dial: Dial, level: float) -> float:
    """Where the slider can stand."""
    low, high = sorted(dial.ends)
    steps = round((level - low) / dial.unit.step)
    return round(min(high, max(low, low + steps * dial.unit.step)), 6)


def turned(dial: Dial, level: float) -> dict[str, Any]:
    """The dial itself."""
    return slider(dial, level, f"Dial: {dial.unit.meaning}")


def ends(dial: Dial) -> dict[str, Any]:
    """Both ends of the dial in words."""
    first, last = (escape(dial.unit.label(level)) for level in dial.ends)
    return {"value": f'<div class="ends"><span>{first}</span><span>{last}</span></div>'}


def found(dial: Dial) -> dict[str, Any]:
    """The button that turns the dial to what is found in the picture."""
    return {"value": f"Find {dial.unit.name}", "visible": dial.task.degrade.by_noise_alone}


def degraded(dial: Dial) -> dict[str, Any]:
    """Whether the picture goes through the model's degradation first; nothing to ask where that does nothing."""
    words = dial.task.degrade.words
    return {"label": f"Degrade it first: {words}", "visible": bool(words)}


def strength(dial: Dial, level: float) -> dict[str, Any]:
    """At which level; hidden where no step goes by it."""
    return slider(dial, level, "Degraded at") | {"visible": dial.task.degrade.unit is not None}
