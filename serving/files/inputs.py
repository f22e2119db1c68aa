"""Which pictures the arguments name, and the file that each result is written to."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ftn_core.utils.errors import UserError
from serving.files.pictures import OTHER_SUFFIXES, SUFFIXES

RESTORED, CONTACT_SHEET = MARKS = (".restored", ".contact-sheet")
"""A mark stands before the suffix in the names of files that this command has made."""


@dataclass(frozen=True)
class Job:
    """One picture to restore, and the file to make of it."""

    source: Path
    target: Path


def plan_jobs(arguments: Sequence[str], out: Path | None, mark: str) -> list[Job]:
    """A job for each picture that files, folders and patterns name, each once, in the order of the arguments.

    Without ``out`` a result lies beside its source and has the ``mark`` in its name: ``photo.png`` becomes
    ``photo.restored.png``. In ``out`` it keeps its source's name, and only marks other than ``.restored`` are added.
    There, results of a folder lie in the same tree as their sources. Results of a pattern lie in the tree that begins
    at the pattern's first wildcard.

    Folders, at any depth, and patterns give only files with the suffixes of pictures: also of kinds that are not
    read, which will be named. They skip files that this command
    made, files in ``out``, and hidden files. A file that is named itself is always taken.

    Raises:
        UserError: an argument gives no pictures, or two jobs would write one file, or a job would overwrite a source.
    """
    jobs: dict[Path, Job] = {}
    for argument in arguments:
        for source, place in _found(argument, out):
            target = (
                _marked(source, mark) if out is None else out / (place if mark == RESTORED else _marked(place, mark))
            )
            jobs.setdefault(_real(source), Job(source, target))
    _refuse_collisions(jobs)
    return list(jobs.values())


def _marked(path: Path, mark: str) -> Path:
    return path.with_name(f"{path.stem}{mark}{path.suffix}")


def _found(argument: str, out: Path | None) -> Iterator[tuple[Path, Path]]:
    """Each picture of one argument, and its path relative to that argument."""
    path = Path(argument)
    if path.is_dir():
        top, candidates = path, sorted(path.rglob("*"))
    elif path.exists():
        yield path, Path(path.name)
        return
    elif glob.has_magic(argument):
        plain = next(i for i, part in enumerate(path.parts) if glob.has_magic(part))
        top, candidates = Path(*path.parts[:plain]), sorted(map(Path, glob.glob(argument, recursive=True)))  # noqa: PTH207 - Path.glob refuses absolute patterns
    else:
        raise UserError(f"{argument} does not exist")
    results = _real(out) if out else None
    empty = True
    for candidate in candidates:
        place = candidate.relative_to(top)
        if _is_wanted(candidate, place) and not (results and _real(candidate).is_relative_to(results)):
            empty = False
            yield candidate, place
    if empty:
        names = " ".join(f"*{suffix}" for suffix in sorted(SUFFIXES))
        raise UserError(f"{argument} gives no pictures ({names}): name a file, a folder or a pattern that does")


def _is_wanted(path: Path, place: Path) -> bool:
    hidden = any(part.startswith(".") for part in place.parts)
    return (
        path.suffix.lower() in SUFFIXES | OTHER_SUFFIXES
        and not hidden
        and not path.stem.endswith(MARKS)
        and path.is_file()
    )


def _real(path: Path) -> Path:
    """Without links; unlike ``Path.resolve`` also where links go round in a circle."""
    return Path(os.path.realpath(path))


def _refuse_collisions(jobs: dict[Path, Job]) -> None:
    makers: dict[Path, Path] = {}
    for job in jobs.values():
        target = _real(job.target)
        if target in jobs:
            raise UserError(f"{job.target} is one of the pictures to restore: choose another folder with --out")
        if target in makers:
            raise UserError(
                f"{makers[target]} and {job.source} would both become {job.target}: give each a folder of its own "
                "with --out, in two calls"
            )
        makers[target] = job.source
