"""The quantities that levels can measure: their names in parameters, commands and requests, and their ranges."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """The quantity that a dial sets, from ``lowest`` to ``highest``.

    Args:
        name: in parameters, commands and requests.
        meaning: for people.
        step: of a slider.
        nothing: the value at which a picture is not degraded; None for a quantity that has none.
        above: whether the lowest value is excluded.
        whole: whether only whole numbers are allowed.
        ends: labels of the two ends of a dial from 0 to 1.
        steps: how many whole steps make up 1, for axes that take only whole numbers. Sigma and grain count in steps
            of 1/255, factors in per cent.
    """

    name: str
    meaning: str
    lowest: float
    highest: float
    step: float
    nothing: float | None = None
    above: bool = False
    whole: bool = False
    ends: tuple[str, str] | None = None
    steps: int = 1

    def __str__(self) -> str:
        return f"{self.name} ({self.meaning})"

    @property
    def eight_bits(self) -> bool:
        """Whether people know its levels as fractions of 255, too."""
        return self.steps == 255

    def step_of(self, level: float) -> int:
        """The level as a whole number: 51 for sigma 0.2, 40 for quality 40, 150 for scale ×1.5."""
        return round(self.steps * level)

    def strength(self, level: float) -> float:
        """How strong a degradation of this level is: it rises from 0 at ``nothing``, also where levels fall."""
        return abs(level - (self.nothing or 0.0))

    def check(self, level: float) -> None:
        """Raises ``ValueError`` if there is no such level."""
        inside = self.lowest <= level <= self.highest and not (self.above and level == self.lowest)
        if not inside or (self.whole and not level.is_integer()):  # NaN is never inside
            kind = "a whole number" if self.whole else "a number"
            least = f"above {self.lowest:g}" if self.above else f"from {self.lowest:g}"
            raise ValueError(f"{self.name} {level:g} does not exist: it is {kind} {least} to {self.highest:g}")

    def check_dial(self, level: float) -> None:
        """Raises ``ValueError`` for a level that no dial of this quantity accepts.

        Unlike ``check``, a dial accepts the lowest value, also where that is nothing to do, and values between whole
        numbers.
        """
        if not self.lowest <= level <= self.highest:
            raise ValueError(f"{self.name} must be from {self.lowest:g} to {self.highest:g} ({self.meaning})")


SIGMA = Quantity(
    "sigma", "standard deviation of the noise for images from 0 to 1", 0, 2, 0.005, 0, above=True, steps=255
)
GRAIN = Quantity(
    "grain", "standard deviation of a camera's noise on mid-grey for images from 0 to 1", 0, 1, 0.005, 0, above=True,
    steps=255,
)  # fmt: skip
QUALITY = Quantity("quality", "JPEG quality", 1, 100, 1, 100, whole=True)
SCALE = Quantity("scale", "factor by which the image was smaller", 1, 16, 0.05, 1, above=True, steps=100)


def objective(start: str, end: str) -> Quantity:
    """The dial between two objectives at one degradation, from the base's to the adapted level's."""
    return Quantity("objective", f"from {start} to {end}", 0, 1, 0.01, ends=(start, end), steps=100)


def quantity_named(name: str, ends: Sequence[str] = ()) -> Quantity:
    """The quantity of a name, or the dial between two objectives, by the labels of its ends.

    Raises:
        KeyError: no quantity has this name.
    """
    return objective(*ends) if ends else {quantity.name: quantity for quantity in (SIGMA, GRAIN, QUALITY, SCALE)}[name]
