"""The repository, as tests see it."""

from pathlib import Path

from ftn_core.utils import imports as text

ROOT = Path(__file__).parents[2]


def closure(*files: str) -> set[str]:
    return text.closure(*files, root=ROOT)


def imports(file: str) -> list[str]:
    return list(text.imports(file, ROOT))
