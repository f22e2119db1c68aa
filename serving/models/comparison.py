"""Compares two versions by what was recorded with them."""

from dataclasses import dataclass

from ftn_core.words.labels import phrase
from registry.versions import Version


@dataclass(frozen=True)
class ComparisonRow:
    """One measure of two versions, None where it was not recorded."""

    what: str
    a: float | None
    b: float | None
    unit: str = ""
    digits: int = 0

    @property
    def difference(self) -> float | None:
        """The second minus the first."""
        return None if self.a is None or self.b is None else self.b - self.a


def compare_versions(a: Version, b: Version) -> list[ComparisonRow]:
    """PSNR at every level that either was tested at, then parameters and size.

    Versions with different quantities are not compared by PSNR.
    """
    levels = sorted({*a.psnr, *b.psnr} if a.quantity == b.quantity else (), reverse=a.levels[:1] > a.levels[-1:])
    rows = [ComparisonRow(f"PSNR at {phrase(a.quantity, x)}", a.psnr.get(x), b.psnr.get(x), "dB", 2) for x in levels]
    rows.append(ComparisonRow("parameters", a.int_tag("ftn.parameters"), b.int_tag("ftn.parameters")))
    rows.append(ComparisonRow("size", a.megabytes, b.megabytes, "MB", 2))
    return rows


def remarks(a: Version, b: Version) -> list[str]:
    """Why differences between the two versions may mislead."""
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
