"""Restores many pictures: the network takes one after the other while threads read and write others."""

import contextlib
import errno
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ftn_core.utils.errors import UserError
from ftn_core.utils.limits import cores
from serving.files.inputs import Job
from serving.files.pictures import Picture, PixelArray, read_picture, write_picture

LARGE_PICTURE = 2**24
"""A picture with more samples is written alone, so that memory stays bounded."""

ABANDONED_AFTER = 3600.0
"""Seconds without a change after which a partial file is one of a killed run. Writing a picture takes a few."""
UNREADABLE = "damaged, truncated or of an unknown kind"
UNRESTORED = "could not be restored"
UNWRITABLE = "its metadata are damaged and cannot be written again"
_CANNOT_WRITE_ANY = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass
class JobResults:
    """How many pictures are done, and why others failed. Correct at any moment, also after an interruption."""

    done: int = 0
    failed: dict[Path, str] = field(default_factory=dict)


class JobRunner:
    """Runs jobs. A file gets its name only when it is complete. Partial files of killed runs are removed."""

    def __init__(self, jobs: Sequence[Job], *, overwrite: bool) -> None:
        """Raises ``UserError`` if a folder for results cannot be made or written to."""
        self.results = JobResults()
        self.existing: list[Job] = []
        self.jobs: list[Job] = []
        for job in jobs:
            try:
                exists = job.target.exists()
            except OSError as error:  # a name that is too long
                self.results.failed[job.source] = f"{job.target.name}: {error.strerror}"
            else:
                (self.existing if exists and not overwrite else self.jobs).append(job)
        self._rename_lock, self._stopped = threading.Lock(), False
        for folder in {job.target.parent for job in self.jobs}:
            _prepare_folder(folder)

    def run(self, restore: Callable[[Job, Picture], PixelArray], progress: Callable[[int], None]) -> None:
        """Restore all pictures. One that fails does not stop the others.

        Args:
            restore: gives a picture's restored pixels.
            progress: called with the number of pictures that are finished, failed ones included.

        Raises:
            UserError: no further file can be written, because the disk is full or read-only.
            KeyboardInterrupt: at once, also while pictures are read and written; no partial file remains.
        """
        readers, writers = ThreadPoolExecutor(1), ThreadPoolExecutor(cores())
        writing: deque[tuple[Job, Path, Future[None]]] = deque()
        try:
            for job, reading in _prefetched(self.jobs, readers):
                fault = UNREADABLE
                try:
                    picture = reading.result()
                    fault = UNRESTORED
                    pixels = restore(job, picture)
                except Exception as error:
                    self.results.failed[job.source] = failure_reason(error, fault)
                else:
                    most = 0 if pixels.size > LARGE_PICTURE else 2 * cores()
                    self._wait(writing, most)
                    partial = _partial(job.target.parent)
                    writing.append((job, partial, writers.submit(self._store, job, partial, picture, pixels)))
                    del picture, pixels
                    self._wait(writing, most)
                progress(self.results.done + len(self.results.failed))
            self._wait(writing, 0)
        finally:
            with self._rename_lock:
                self._stopped = True
            for pool in (readers, writers):
                pool.shutdown(wait=False, cancel_futures=True)
            for _, partial, _ in writing:
                partial.unlink(missing_ok=True)

    def _wait(self, writing: deque[tuple[Job, Path, Future[None]]], most: int) -> None:
        """Wait until at most so many pictures are being written."""
        while len(writing) > most or (writing and writing[0][2].done()):
            job, _, future = writing[0]
            try:
                future.result()
            except Exception as error:
                if isinstance(error, OSError) and error.errno in _CANNOT_WRITE_ANY:
                    raise UserError(
                        f"{job.target}: {error.strerror}. {self.results.done} are done and stay; make room and run the "
                        "same command again for the rest"
                    ) from None
                self.results.failed[job.source] = failure_reason(error, UNWRITABLE)
            writing.popleft()

    def _store(self, job: Job, partial: Path, picture: Picture, pixels: PixelArray) -> None:
        try:
            write_picture(picture, pixels, partial)
            with self._rename_lock:
                if not self._stopped:
                    partial.replace(job.target)
                    self.results.done += 1
        finally:
            partial.unlink(missing_ok=True)


def failure_reason(error: Exception, fault: str) -> str:
    """Why one picture failed, in one line.

    Args:
        fault: what is wrong if the error is of a kind that does not say it.
    """
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, MemoryError):
        return "not enough memory"
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    return f"{fault} ({text})"


def _prefetched(jobs: Iterable[Job], pool: ThreadPoolExecutor) -> Iterator[tuple[Job, Future[Picture]]]:
    """Each job with its picture, while the next picture is being read."""
    waiting: deque[tuple[Job, Future[Picture]]] = deque()
    for job in jobs:
        waiting.append((job, pool.submit(read_picture, job.source)))
        if len(waiting) > 1:
            yield waiting.popleft()
    yield from waiting


def _partial(folder: Path) -> Path:
    """A name that no other run takes, on whatever machine: several may restore into one folder."""
    return folder / f".ftn-{secrets.token_hex(8)}.partial"


def _prepare_folder(folder: Path) -> None:
    """Make a folder, check that it can be written to, and remove partial files of killed runs."""
    probe = _partial(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror}: choose a folder that can be written to with --out") from None
    for path in folder.glob(".ftn-*.partial"):
        with contextlib.suppress(FileNotFoundError):  # another run was faster
            if path.stat().st_mtime < time.time() - ABANDONED_AFTER:
                path.unlink()
