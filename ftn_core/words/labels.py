"""Levels as text: in tables, on axes and in sentences."""

from ftn_core.parameters.quantities import Quantity

_LABELS = {"sigma": "{x:.3g} ({x255:.0f})", "scale": "×{x:.3g}"}
_PHRASES = {"sigma": "{x:.3g} ({x255:.3g}/255)"}
_HEADINGS = {"sigma": "sigma (of 255)"}


def label(quantity: Quantity, level: float) -> str:
    """A level in a table or on an axis: ``0.2 (51)``, ``40``, ``×3``, ``1 (mosaic)``."""
    if quantity.ends and level in (0, 1):
        return f"{level:g} ({quantity.ends[int(level)]})"
    return _LABELS.get(quantity.name, "{x:.3g}").format(x=level, x255=255 * level)


def phrase(quantity: Quantity, level: float) -> str:
    """A level in a sentence: ``sigma 0.2 (51/255)``, ``quality 40``, ``scale ×3``, ``objective 0.3``."""
    text = _PHRASES.get(quantity.name)
    return f"{quantity.name} {text.format(x=level, x255=255 * level) if text else label(quantity, level)}"


def heading(quantity: Quantity) -> str:
    """The heading of a column of labels."""
    return _HEADINGS.get(quantity.name, quantity.name)
