"""Two versions side by side, by what was recorded with each."""

from dataclasses import dataclass

from serving.registry.versions import Version


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
    """PSNR at every sigma that either was tested at, then what they cost."""
    sigmas = sorted({*a.psnr, *b.psnr})
    rows = [Row(f"PSNR at {sigma}", a.psnr.get(sigma), b.psnr.get(sigma), "dB", 2) for sigma in sigmas]
    rows.append(Row("parameters", a.number_of("ftn.parameters"), b.number_of("ftn.parameters")))
    rows.append(Row("size", a.megabytes, b.megabytes, "MB", 2))
    return rows


def remarks(a: Version, b: Version) -> list[str]:
    """What to know before reading the differences."""
    found = []
    if a.tags.get("ftn.data") != b.tags.get("ftn.data"):
        found.append("they were measured on different photographs: only the gate's verdict compares them on the same")
    if a.levels != b.levels:
        found.append(f"their levels differ: {a.levels} and {b.levels}")
    return found
