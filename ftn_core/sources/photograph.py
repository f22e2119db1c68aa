"""One photograph that is not yet decoded."""

from dataclasses import dataclass
from pathlib import Path

from ftn_core.sources.splits import Split


@dataclass(frozen=True)
class Photograph:
    """An image file and its entry in the manifest.

    Args:
        name: relative POSIX path, unique within the source.
        path: of the file on this machine; it is never written to an output.
        source: name of the source.
        terms: of use.
    """

    name: str
    path: Path
    split: Split
    source: str
    terms: str
