"""Photographs in a tree of folders."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pathspec import GitIgnoreSpec

from ftn_core.sources.photograph import Photograph
from ftn_core.sources.splits import split_of, splits_by_folder
from ftn_core.utils.errors import UserError

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp"})


def folder_photographs(
    folder: Path,
    *,
    include: Sequence[str],
    val_fraction: float,
    test_fraction: float,
    source: str = "folder",
    terms: str = "not stated: whoever owns the folder decides",
) -> Iterator[Photograph]:
    """The images below ``folder`` that ``include`` selects, sorted by name.

    Hidden files and folders are skipped. Links are followed. See ``split_of`` for the splits.

    Args:
        include: patterns as in .gitignore.

    Raises:
        UserError: the folder is missing, a pattern is malformed, or no image matches.
    """
    if not folder.is_dir():
        raise UserError(f"data.{source}: {folder} is not a folder: name one that holds photographs")
    try:
        selected = GitIgnoreSpec.from_lines(include)
    except ValueError as error:
        raise UserError(f"data.include: {error}: patterns are written as in .gitignore") from None
    images = list(_images(folder))
    names = sorted(name for name in images if selected.match_file(name))
    if not images:
        kinds = ", ".join(sorted(EXTENSIONS))
        raise UserError(f"data.{source}: no image ({kinds}) below {folder}: name a folder that holds some")
    if not names:
        patterns = ", ".join(include)
        raise UserError(f"data.include: none of {len(images)} images below {folder} matches {patterns}: '**' takes all")
    named = splits_by_folder(names)
    for name in names:
        split = split_of(name, named=named, val_fraction=val_fraction, test_fraction=test_fraction)
        yield Photograph(name, folder / name, split, source, terms)


def _images(folder: Path, prefix: str = "", above: frozenset[str] = frozenset()) -> Iterator[str]:
    """Relative POSIX names of the images below, in no particular order."""
    real = os.path.realpath(folder)
    # a link to a parent folder would recurse forever
    if real in above:
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            name = prefix + entry.name
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _images(folder / entry.name, name + "/", above | {real})
            # a broken link counts as an image, so that it is reported as unreadable and not silently ignored
            elif Path(name).suffix.lower() in EXTENSIONS and (entry.is_file() or entry.is_symlink()):
                yield name
