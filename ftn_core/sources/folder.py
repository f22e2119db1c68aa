"""Photographs in a tree of folders."""

import os
import stat
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

    Hidden files and folders, and what is no regular file, are skipped. Links are followed. See ``split_of`` for the
    splits.

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


def _images(folder: Path) -> Iterator[str]:
    """Relative POSIX names of the images below, in no particular order. Each folder is looked through once.

    Folders come before links to folders, so that one with several names has its own.
    """
    seen: set[tuple[int, int]] = set()
    waiting, links = [""], list[str]()
    while waiting or links:
        if not waiting:
            links.sort(reverse=True)
            waiting.append(links.pop())
        prefix = waiting.pop()
        about = (folder / prefix).stat()
        # links to a parent, or in several folders to one another, would never end
        if (about.st_dev, about.st_ino) in seen:
            continue
        seen.add((about.st_dev, about.st_ino))
        with os.scandir(folder / prefix) as entries:
            for entry in entries:
                name, mode = prefix + entry.name, _mode(entry)
                if entry.name.startswith("."):
                    continue
                if stat.S_ISDIR(mode):
                    (links if entry.is_symlink() else waiting).append(f"{name}/")
                # a broken link counts as an image, so that it is reported as unreadable and not silently ignored
                elif (stat.S_ISREG(mode) or not mode) and Path(name).suffix.lower() in EXTENSIONS:
                    yield name


def _mode(entry: os.DirEntry[str]) -> int:
    """What an entry, or the file that it links to, is; 0 for a broken link and for links in a circle."""
    try:
        return entry.stat().st_mode
    except OSError:
        return 0
