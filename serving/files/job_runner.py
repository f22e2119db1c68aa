"""Restores many pictures: the network takes one after the other while threads read and write others."""

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
from serving.files.pictures import Picture, PixelArray, read_picture, write_picture

LARGE_PICTURE = 2**24
"""A picture with more samples is written alone, so that memory stays bounded."""

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
        self.existing = [] if overwrite else [job for job in jobs if job.target.exists()]
        skipped = set(self.existing)
        self.jobs = [job for job in jobs if job not in skipped]
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
        writing: deque[tuple[Job, Future[None]]] = deque()
        try:
            for job, reading in _prefetched(self.jobs, readers):
                try:
                    picture = reading.result()
                    pixels = restore(job, picture)
                except Exception as error:
                    self.results.failed[job.source] = failure_reason(error)
                else:
                    most = 0 if pixels.size > LARGE_PICTURE else 2 * cores()
                    self._wait(writing, most)
                    writing.append((job, writers.submit(self._store, job, picture, pixels)))
                    del picture, pixels
                    self._wait(writing, most)
                progress(self.results.done + len(self.results.failed))
            self._wait(writing, 0)
        finally:
            with self._rename_lock:
                self._stopped = True
            for pool in (readers, writers):
                pool.shutdown(wait=False, cancel_futures=True)
            for job, _ in writing:
                _partial(job.target).unlink(missing_ok=True)

    def _wait(self, writing: deque[tuple[Job, Future[None]]], most: int) -> None:
        """Wait until at most so many pictures are being written."""
        while len(writing) > most or (writing and writing[0][1].done()):
            job, future = writing[0]
            try:
                future.result()
            except Exception as error:
                if isinstance(error, OSError) and error.errno in _CANNOT_WRITE_ANY:
                    raise UserError(
                        f"{job.target}: {error.strerror}. {self.results.done} are done and stay; make room and run the "
                        "same command again for the rest"
                    ) from None
                self.results.failed[job.source] = failure_reason(error)
            writing.popleft()

    def _store(self, job: Job, picture: Picture, pixels: PixelArray) -> None:
        partial = _partial(job.target)
        try:
            write_picture(picture, pixels, partial)
            with self._rename_lock:
                if not self._stopped:
                    partial.replace(job.target)
                    self.results.done += 1
        finally:
            partial.unlink(missing_ok=True)


def failure_reason(error: Exception) -> str:
    """Why one picture failed, in one line."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, MemoryError):
        return "not enough memory"
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    return f"damaged, truncated or of an unknown kind ({text})"


def _prefetched(jobs: Iterable[Job], pool: ThreadPoolExecutor) -> Iterator[tuple[Job, Future[Picture]]]:
    """Each job with its picture, while the next picture is being read."""
    waiting: deque[tuple[Job, Future[Picture]]] = deque()
    for job in jobs:
        waiting.append((job, pool.submit(read_picture, job.source)))
        if len(waiting) > 1:
            yield waiting.popleft()
    yield from waiting


def _partial(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.partial")


def _prepare_folder(folder: Path) -> None:
    """Make a folder, check that it can be written to, and remove partial files of killed runs."""
    probe = folder / f".{os.getpid()}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror}: choose a folder that can be written to with --out") from None
    for path in folder.glob(".*.partial"):
        match = re.fullmatch(r"\..+\.(\d+)\.partial", path.name)
        if match and not psutil.pid_exists(int(match[1])):
            path.unlink(missing_ok=True)
