"""A level as the user writes it: the argument of ``--level``, or of a request.

This module imports nothing slow, so that a mistake is reported at once.
"""

import re
from dataclasses import dataclass
from typing import Self

from ftn_core.parameters.quantities import Quantity
from ftn_core.utils.errors import UserError

AUTO = "auto"

_NUMBER = r"\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?"


@dataclass(frozen=True)
class LevelArgument:
    """A parsed level: a number, a fraction such as ``51/255``, or ``auto``, whose ``number`` is None.

    Args:
        name: what the user calls the argument.
    """

    text: str
    number: float | None
    fraction: bool = False
    name: str = "--level"

    @classmethod
    def parse(cls, text: str, name: str = "--level") -> Self:
        """Raises ``UserError`` if the text is none of these."""
        if text.strip() == AUTO:
            return cls(text, None, name=name)
        match = re.fullmatch(rf"\s*({_NUMBER})\s*(?:/\s*({_NUMBER})\s*)?", text, re.ASCII)
        divisor = float(match[2] or 1) if match else 0.0
        if not match or not divisor:
            raise UserError(
                f"{name} {text}: a number, for sigma and grain also one such as 51/255, or {AUTO} is needed"
            )
        return cls(text, float(match[1]) / divisor, match[2] is not None, name)

    def level_of(self, quantity: Quantity) -> float | None:
        """The level for a model with this quantity; None for ``auto``.

        Raises:
            UserError: the number is out of the quantity's range, or it is a fraction of a quantity that has none.
        """
        if self.number is None:
            return None
        if self.fraction and not quantity.eight_bits:
            raise UserError(
                f"{self.name} {self.text}: fractions are of sigma and grain, this model's dial is of {quantity.name}"
            )
        try:
            quantity.check_dial(self.number)
        except ValueError as error:
            eight_bits = quantity.eight_bits and not self.fraction and 1 < self.number <= 255
            hint = f"; on the scale of 8 bits that is {self.text.strip()}/255" if eight_bits else ""
            raise UserError(f"{self.name} {self.text}: {error}{hint}") from None
        return self.number
