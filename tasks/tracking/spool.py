"""What a stage records, on disk first: a folder for each execution, kept until MLflow has all of it.

The stage appends lines of JSON, and an uploader (tasks/tracking/uploader.py) reads them. Each line is one write, and
readers leave an incomplete line alone. So neither side waits for the other, and the spool of a killed process can be
read up to its last line.
"""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

SPOOLS = Path(".ftn/spool")

Entry = dict[str, Any]
"""One record: its ``kind``, its ``time`` in ms since the epoch, and the values that belong to its kind."""


class Spool:
    """The records of one execution.

    Names are unique and begin with the time, so they sort by age. Two file locks stand for the stage and for the
    uploader; the kernel releases them when their process ends, however it ends.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name
        self._entries = folder / "entries.jsonl"
        self._uploaded = folder / "uploaded"
        self._stage_lock = FileLock(folder.with_name(f"{folder.name}.stage"))
        self._uploader_lock = FileLock(folder.with_name(f"{folder.name}.uploader"))

    @classmethod
    def create(cls) -> "Spool":
        """A new spool of the stage that this process runs."""
        SPOOLS.mkdir(parents=True, exist_ok=True)
        spool = cls(SPOOLS / f"{time.time_ns()}-{os.getpid()}")
        spool._stage_lock.acquire()  # before others can see the folder
        (spool.folder / "files").mkdir(parents=True)
        return spool

    def append(self, kind: str, **values: object) -> None:
        """Write one entry."""
        entry = {"kind": kind, "time": time.time_ns() // 1_000_000, **values}
        line = json.dumps(entry, default=str) + "\n"  # parameters may hold what JSON does not have, such as dates
        file = os.open(self._entries, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)

    def keep(self, source: Path) -> None:
        """Copy a file, which may change or vanish before it is uploaded."""
        with self._new_file(source.name) as path:
            shutil.copyfile(source, path)

    def keep_bytes(self, name: str, data: bytes) -> None:
        """Keep a file that exists only in memory."""
        with self._new_file(name) as path:
            path.write_bytes(data)

    @contextlib.contextmanager
    def _new_file(self, name: str) -> Iterator[Path]:
        folder = self.folder / "files" / str(time.time_ns())  # one for each file: its name is the artifact's
        folder.mkdir()
        yield folder / name
        self.append("artifact", file=(folder / name).relative_to(self.folder).as_posix())

    def read(self, start: int, limit: int) -> list[tuple[Entry, int]]:
        """At most ``limit`` entries from the byte ``start`` on, each with the offset of the byte after it."""
        found: list[tuple[Entry, int]] = []
        with contextlib.suppress(FileNotFoundError), self._entries.open("rb") as file:
            file.seek(start)
            for line in file:
                if not line.endswith(b"\n") or len(found) == limit:
                    break
                start += len(line)
                with contextlib.suppress(ValueError):
                    found.append((json.loads(line), start))
        return found

    @property
    def opening(self) -> Entry | None:
        """The first entry, which describes the run; ``None`` until the stage has written it."""
        first = self.read(0, 1)
        return first[0][0] if first and first[0][0]["kind"] == "open" else None

    @property
    def uploaded(self) -> int:
        """The offset up to which MLflow has the entries."""
        try:
            return int(self._uploaded.read_text())
        except FileNotFoundError:
            return 0

    @uploaded.setter
    def uploaded(self, offset: int) -> None:
        new = self._uploaded.with_suffix(".new")
        new.write_text(str(offset))
        new.replace(self._uploaded)

    @property
    def abandoned(self) -> bool:
        """Whether the stage has closed it, or has died."""
        try:
            with self._stage_lock.acquire(timeout=0):
                return True
        except Timeout:
            return False

    def close(self) -> None:
        """The stage writes no more."""
        self._stage_lock.release()

    def claim(self) -> bool:
        """Become its only uploader until this process ends. Returns whether that was possible."""
        try:
            self._uploader_lock.acquire(timeout=0)
        except Timeout:
            return False
        if self.folder.exists():
            return True
        self.remove()  # it was uploaded meanwhile; only the lock's file, made just now, is left
        return False

    def remove(self) -> None:
        """Delete the folder and the locks."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for lock in (self._stage_lock, self._uploader_lock):
            lock.release()
            Path(lock.lock_file).unlink(missing_ok=True)


def spools() -> list[Spool]:
    """All spools of this project, the oldest first."""
    found = SPOOLS.iterdir() if SPOOLS.exists() else ()
    return [Spool(path) for path in sorted(found) if path.is_dir()]
