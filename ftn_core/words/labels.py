"""Levels as text: in tables, on axes and in sentences."""

from ftn_core.parameters.quantities import Quantity

_LABELS = {"scale": "×{x:.3g}"}
_TITLES = {"sigma": "Noise strength", "grain": "Noise strength", "scale": "Scale"}


def label(quantity: Quantity, level: float) -> str:
    """A level in a table or on an axis: ``0.2 (51)``, ``40``, ``×3``, ``1 (mosaic)``."""
    if quantity.ends and level in (0, 1):
        return f"{level:g} ({quantity.ends[int(level)]})"
    if quantity.eight_bits:
        return f"{level:.3g} ({255 * level:.0f})"
    return _LABELS.get(quantity.name, "{x:.3g}").format(x=level)


def phrase(quantity: Quantity, level: float) -> str:
    """A level in a sentence: ``sigma 0.2 (51/255)``, ``quality 40``, ``scale ×3``, ``objective 0.3``."""
    text = f"{level:.3g} ({255 * level:.3g}/255)" if quantity.eight_bits else label(quantity, level)
    return f"{quantity.name} {text}"


def heading(quantity: Quantity) -> str:
    """The heading of a column of labels."""
    return f"{quantity.name} (of 255)" if quantity.eight_bits else quantity.name


def title(quantity: Quantity) -> str:
    """What stands above a control that sets it: ``Noise strength``, ``JPEG quality``."""
    return _TITLES.get(quantity.name, quantity.meaning[0].upper() + quantity.meaning[1:])
