"""What a stage records, on disk first: one append-only file for each execution, kept until MLflow has all of it."""

import base64
import contextlib
import errno
import fcntl
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from ftn_core.utils.project import lasting_folder

JOURNALS = Path(".ftn/tracking")
"""Below the project's own folder, also for a copy of it that is deleted after its run."""

Entry = dict[str, Any]
"""Its ``kind``, its ``time`` in ms since the epoch, and the values that belong to its kind."""


class Journal:
    """A file of JSON lines, locked by the process that owns it and by the uploader that inherits its descriptor.

    The kernel releases the lock when both are gone, however they ended. Names begin with the time, so they sort by age.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.name = path.stem
        self.descriptor = descriptor
        self._failed = False

    @classmethod
    def create(cls) -> "Journal":
        """A new journal of the stage that this process runs."""
        folder = lasting_folder() / JOURNALS
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            path = folder / f"{time.time_ns()}-{os.getpid()}.jsonl"
            journal = cls(path, os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600))
            fcntl.flock(journal.descriptor, fcntl.LOCK_EX)
            if path.exists():  # nobody took it for one that was left, and removed it, before it was locked
                return journal
            journal.close()

    @classmethod
    def take_over(cls, path: Path) -> "Journal | None":
        """A journal that its stage has left; ``None`` while somebody has it, or if it is published."""
        try:
            journal = cls(path, os.open(path, os.O_RDWR | os.O_APPEND))
        except FileNotFoundError:
            return None
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(journal.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists():  # nobody has published it before it was locked
                return journal
        journal.close()
        return None

    def append(self, kind: str, **values: object) -> None:
        """Write one record. If that fails, say so once: the work goes on.

        A record begins on a line of its own, even if the one before it was cut off because the disk was full.
        """
        record = {"kind": kind, "time": time.time_ns() // 1_000_000, **values}
        line = f"\n{json.dumps(record, default=str)}\n".encode()  # parameters may be dates, which JSON does not have
        try:
            if os.write(self.descriptor, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            if not self._failed:
                print(f"{self.path}: {error.strerror}. What is recorded now is lost", file=sys.stderr, flush=True)
            self._failed = True

    def append_file(self, name: str, data: bytes) -> None:
        """Write a file's content, which is then independent of the file."""
        self.append("file", name=name, data=base64.b64encode(data).decode())

    @property
    def opening(self) -> Entry | None:
        """The first record, which describes the run; ``None`` until the stage has written it."""
        return read_opening(self.path)

    def read(self, start: int) -> tuple[list[Entry], int]:
        """The records from the byte ``start`` on, and where the next one will begin.

        The last line is left alone until it is complete. A line that was cut off is skipped.
        """
        records: list[Entry] = []
        with self.path.open("rb") as file:
            file.seek(start)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                start += len(line)
                with contextlib.suppress(ValueError):
                    records.append(json.loads(line))
        return records, start

    def close(self) -> None:
        """Write no more. The lock is free as soon as the uploader, too, is gone."""
        os.close(self.descriptor)

    def remove(self) -> None:
        """Delete the file: MLflow has everything, or there is nothing."""
        self.path.unlink(missing_ok=True)


def journals() -> list[Path]:
    """The files of all journals of this project, the oldest first."""
    return sorted((lasting_folder() / JOURNALS).glob("[0-9]*.jsonl"))


def read_opening(path: Path) -> Entry | None:
    """The first record of a journal; ``None`` if it has none yet, or is gone."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        for line in file:
            with contextlib.suppress(ValueError):
                first: Entry = json.loads(line)
                return first if first["kind"] == "open" else None
    return None
