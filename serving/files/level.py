"""A level as people write it. Nothing heavy is imported here, so that a mistake is answered at once."""

import re
from dataclasses import dataclass
from typing import Self

from ftn_core.errors import UserError
from ftn_core.units import SIGMA, Unit

AUTO = "auto"

_NUMBER = r"\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?"


@dataclass(frozen=True)
class Written:
    """What stands behind ``--level``: a number, ``51/255``, or ``auto``, without a number."""

    text: str
    number: float | None
    fraction: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ``UserError`` where it is none of these."""
        if text.strip() == AUTO:
            return cls(text, None)
        match = re.fullmatch(rf"\s*({_NUMBER})\s*(?:/\s*({_NUMBER})\s*)?", text, re.ASCII)
        divisor = float(match[2] or 1) if match else 0.0
        if not match or not divisor:
            raise UserError(f"--level {text}: a number, for sigma also one such as 51/255, or {AUTO} is needed")
        return cls(text, float(match[1]) / divisor, match[2] is not None)

    def of(self, unit: Unit) -> float | None:
        """The level that is meant, of a model with this unit; None: it is to be found.

        Raises:
            UserError: no dial of this unit takes it.
        """
        if self.number is None:
            return None
        if self.fraction and unit != SIGMA:
            raise UserError(f"--level {self.text}: fractions are of sigma, this model's dial is of {unit.name}")
        try:
            unit.check_dial(self.number)
        except ValueError as error:
            eight_bits = unit == SIGMA and not self.fraction and 1 < self.number <= 255
            hint = f"; on the scale of 8 bits that is {self.text.strip()}/255" if eight_bits else ""
            raise UserError(f"--level {self.text}: {error}{hint}") from None
        return self.number
