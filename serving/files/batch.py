"""Many pictures, one after the other through the network, while others are read and written beside it."""

import errno
import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from ftn_core.utils.cores import cores
from ftn_core.utils.errors import UserError
from serving.files.inputs import Job
from serving.files.pictures import Picture, Pixels, read_picture, write_picture

LARGE = 2**24
"""Samples of a picture beside which no other is being written, so that memory stays bounded."""

_NO_FURTHER = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass
class Outcome:
    """What has been done so far; right at any moment, also when the work is interrupted."""

    done: int = 0
    failed: dict[Path, str] = field(default_factory=dict)


class Batch:
    """Restores jobs. A file appears under its name only when it is whole; what a killed run left half is removed."""

    def __init__(self, jobs: Sequence[Job], *, overwrite: bool) -> None:
        """Raises ``UserError`` where a folder of the results cannot be made or written to."""
        self.outcome = Outcome()
        self.there = [] if overwrite else [job for job in jobs if job.target.exists()]
        there = set(self.there)
        self.jobs = [job for job in jobs if job not in there]
        self._naming, self._stopped = threading.Lock(), False
        for folder in {job.target.parent for job in self.jobs}:
            _prepare(folder)

    def run(self, restore: Callable[[Job, Picture], Pixels], tell: Callable[[int], None]) -> None:
        """Restore all, and go on where one fails.

        Args:
            tell: called with the number of pictures that are finished, failed ones included.

        Raises:
            UserError: no further file can be written, because the disk is full or read-only.
            KeyboardInterrupt: at once, whatever is being read or written; nothing half remains.
        """
        readers, writers = ThreadPoolExecutor(1), ThreadPoolExecutor(cores())
        writing: deque[tuple[Job, Future[None]]] = deque()
        try:
            for job, reading in _read_ahead(self.jobs, readers):
                try:
                    picture = reading.result()
                    pixels = restore(job, picture)
                except Exception as error:
                    self.outcome.failed[job.source] = reason(error)
                else:
                    large = pixels.size > LARGE
                    self._finish(writing, 0 if large else 2 * cores())
                    writing.append((job, writers.submit(self._store, job, picture, pixels)))
                    del picture, pixels
                    self._finish(writing, 0 if large else 2 * cores())
                tell(self.outcome.done + len(self.outcome.failed))
            self._finish(writing, 0)
        finally:
            with self._naming:
                self._stopped = True
            for pool in (readers, writers):
                pool.shutdown(wait=False, cancel_futures=True)
            for job, _ in writing:
                _partial(job.target).unlink(missing_ok=True)

    def _finish(self, writing: deque[tuple[Job, Future[None]]], left: int) -> None:
        """Wait until no more than so many are being written."""
        while len(writing) > left or (writing and writing[0][1].done()):
            job, future = writing[0]
            try:
                future.result()
            except Exception as error:
                if isinstance(error, OSError) and error.errno in _NO_FURTHER:
                    raise UserError(
                        f"{job.target}: {error.strerror}. {self.outcome.done} are done and stay; make room and run the "
                        "same command again for the rest"
                    ) from None
                self.outcome.failed[job.source] = reason(error)
            writing.popleft()

    def _store(self, job: Job, picture: Picture, pixels: Pixels) -> None:
        partial = _partial(job.target)
        try:
            write_picture(picture, pixels, partial)
            with self._naming:
                if not self._stopped:
                    partial.replace(job.target)
                    self.outcome.done += 1
        finally:
            partial.unlink(missing_ok=True)


def reason(error: Exception) -> str:
    """Why one picture failed, in one line."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, MemoryError):
        return "not enough memory"
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    return f"damaged, truncated or of an unknown kind ({text})"


def _read_ahead(jobs: Iterable[Job], pool: ThreadPoolExecutor) -> Iterator[tuple[Job, Future[Picture]]]:
    """Each job with its picture, while the next one is read."""
    waiting: deque[tuple[Job, Future[Picture]]] = deque()
    for job in jobs:
        waiting.append((job, pool.submit(read_picture, job.source)))
        if len(waiting) > 1:
            yield waiting.popleft()
    yield from waiting


def _partial(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.partial")


def _prepare(folder: Path) -> None:
    """Make a folder, see that it can be written to, and remove what killed runs left in it."""
    probe = folder / f".{os.getpid()}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror}: choose a folder that can be written to with --out") from None
    for leftover in folder.glob(".*.partial"):
        match = re.fullmatch(r"\..+\.(\d+)\.partial", leftover.name)
        if match and not psutil.pid_exists(int(match[1])):
            leftover.unlink(missing_ok=True)
