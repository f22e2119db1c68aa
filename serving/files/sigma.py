"""Sigma as people write it. Nothing heavy is imported here, so that a mistake is answered at once."""

import re

from ftn_core.errors import UserError

_NUMBER = r"\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?"


def parse_sigma(text: str) -> float:
    """A standard deviation for pictures in [0, 1], from ``0.2`` or ``51/255``.

    Raises:
        UserError: it is no such number, or not above 0 and at most 1.
    """
    match = re.fullmatch(rf"\s*({_NUMBER})\s*(?:/\s*({_NUMBER})\s*)?", text, re.ASCII)
    divisor = float(match[2] or 1) if match else 0.0
    if not match or not divisor:
        raise UserError(f"--sigma {text}: a number such as 0.2 or 51/255 is needed")
    sigma = float(match[1]) / divisor
    if not 0 < sigma <= 1:
        hint = f"; on the scale of 8 bits that is {text.strip()}/255" if 1 < sigma <= 255 and not match[2] else ""
        raise UserError(f"--sigma {text}: above 0 and at most 1 is needed, for pictures in [0, 1]{hint}")
    return sigma
