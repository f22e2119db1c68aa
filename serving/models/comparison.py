"""Two versions side by side, by what was recorded with each."""

from dataclasses import dataclass

from ftn_core.words.labels import phrase
from registry.versions import Version


@dataclass(frozen=True)
class Row:
    """One quantity of two versions; None where it was not recorded."""

    what: str
    a: float | None
    b: float | None
    unit: str = ""
    digits: int = 0

    @property
    def difference(self) -> float | None:
        """How much more the second has."""
        return None if self.a is None or self.b is None else self.b - self.a


def compare(a: Version, b: Version) -> list[Row]:
    """PSNR at every level that either was tested at, where they go by the same quantity; then what they cost."""
    levels = sorted({*a.psnr, *b.psnr} if a.quantity == b.quantity else (), reverse=a.levels[:1] > a.levels[-1:])
    rows = [Row(f"PSNR at {phrase(a.quantity, x)}", a.psnr.get(x), b.psnr.get(x), "dB", 2) for x in levels]
    rows.append(Row("parameters", a.number_of("ftn.parameters"), b.number_of("ftn.parameters")))
    rows.append(Row("size", a.megabytes, b.megabytes, "MB", 2))
    return rows


def remarks(a: Version, b: Version) -> list[str]:
    """What to know before reading the differences."""
    found = []
    if a.quantity != b.quantity:
        found.append(
            f"they are for different tasks, whose PSNR cannot be compared: of {a.quantity} and of {b.quantity}"
        )
    elif a.levels != b.levels:
        found.append(f"their levels differ: {a.levels} and {b.levels}")
    if a.tags.get("ftn.data") != b.tags.get("ftn.data"):
        found.append("they were measured on different photographs: only the gate's verdict compares them on the same")
    return found
