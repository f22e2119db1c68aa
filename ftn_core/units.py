"""What a level is measured in: a dial's scale, its name in parameters, commands and requests, and its words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """The scale of a level, from ``lowest`` to ``highest``; ``whole`` where there is nothing between whole numbers.

    ``above`` says that the lowest itself does not count. ``step`` is what a slider moves by. ``short``, ``long`` and
    ``heading`` are what ``label``, ``words`` and ``head`` say, in terms of the level ``x`` and, as pixels have it,
    ``x255``. ``ends``: what a dial from 0 to 1 goes from and to.
    """

    name: str
    meaning: str
    lowest: float
    highest: float
    step: float
    above: bool = False
    whole: bool = False
    short: str = "{x:.3g}"
    long: str | None = None
    heading: str | None = None
    ends: tuple[str, str] | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.meaning})"

    def label(self, level: float) -> str:
        """For tables and axes: ``0.2 (51)``, ``40``, ``×3``."""
        if self.ends and level in (0, 1):
            return f"{level:g} ({self.ends[int(level)]})"
        return self.short.format(x=level, x255=255 * level)

    def words(self, level: float) -> str:
        """In a sentence: ``sigma 0.2 (51/255)``, ``quality 40``, ``scale ×3``, ``objective 0.3``."""
        return f"{self.name} {self.long.format(x=level, x255=255 * level) if self.long else self.label(level)}"

    @property
    def head(self) -> str:
        """Over a column of labels."""
        return self.heading or self.name

    def check(self, level: float) -> None:
        """Raises ``ValueError`` where there is no such level."""
        inside = self.lowest <= level <= self.highest and not (self.above and level == self.lowest)
        if not inside or (self.whole and not level.is_integer()):  # NaN is never inside
            kind = "a whole number" if self.whole else "a number"
            least = f"above {self.lowest:g}" if self.above else f"from {self.lowest:g}"
            raise ValueError(f"{self.name} {level:g} does not exist: it is {kind} {least} to {self.highest:g}")

    def check_dial(self, level: float) -> None:
        """Raises ``ValueError`` where nobody can mean such a level.

        More than ``check`` a dial takes the lowest, for which the nearest level will do, and what is between whole
        numbers, where it can stand.
        """
        if not self.lowest <= level <= self.highest:
            raise ValueError(f"{self.name} must be from {self.lowest:g} to {self.highest:g} ({self.meaning})")


SIGMA = Unit(
    "sigma", "standard deviation of the noise for images from 0 to 1", 0, 2, 0.005, above=True,
    short="{x:.3g} ({x255:.0f})", long="{x:.3g} ({x255:.3g}/255)", heading="sigma (of 255)",
)  # fmt: skip
QUALITY = Unit("quality", "JPEG quality", 1, 100, 1, whole=True)
SCALE = Unit("scale", "factor by which the image was smaller", 1, 16, 0.05, above=True, short="×{x:.3g}")


def objective(start: str, end: str) -> Unit:
    """The dial of two objectives at one degradation, from the base's to the adapted level's."""
    return Unit("objective", f"from {start} to {end}", 0, 1, 0.01, ends=(start, end))


def unit_of(name: str, ends: Sequence[str] = ()) -> Unit:
    """By its name and, of objectives, what the dial goes from and to. Raises ``KeyError`` where there is none."""
    return objective(*ends) if ends else {unit.name: unit for unit in (SIGMA, QUALITY, SCALE)}[name]


def level_name(level: float) -> str:
    """A level in the names of files, stages and records: as DVC writes a number of YAML, ``0.2`` and ``40``."""
    return repr(float(level)).removesuffix(".0")


def inside(level: float, first: float, last: float) -> bool:
    """Whether a level lies between two others, or on one of them, whichever of the two is the higher."""
    return min(first, last) <= level <= max(first, last) and not math.isnan(level)
