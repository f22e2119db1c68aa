"""One photograph before it is decoded."""

from dataclasses import dataclass
from pathlib import Path

from ftn_core.sources.splits import Split


@dataclass(frozen=True)
class Photograph:
    """An image file and what the manifest says of it.

    ``name`` is unique within its source, relative and POSIX; ``path`` is where the file lies on this machine
    and never reaches an output.
    """

    name: str
    path: Path
    split: Split
    source: str
    terms: str
