"""What a stage records, on local disk first: a folder for each execution, kept until MLflow has all of it.

The stage appends lines of JSON; its uploader (tasks/tracking/uploader.py), or a later one, delivers them. Whoever appends makes
one write for each line, and a reader takes whole lines only, so neither waits for the other, and a process that is
killed leaves a spool that can be read to its last line.
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

FOLDER = Path(".ftn/spool")

Entry = dict[str, Any]
"""``kind`` and ``time`` (ms since the epoch), and what the kind has: tasks/tracking/upload.py reads them."""


class Spool:
    """The records of one execution. Its name begins with the time, so names sort by age, and is unique."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name
        self._entries = folder / "entries.jsonl"
        self._delivered = folder / "delivered"
        self._owner = FileLock(folder.with_name(f"{folder.name}.owner"))
        self._deliverer = FileLock(folder.with_name(f"{folder.name}.deliverer"))

    @classmethod
    def create(cls) -> "Spool":
        """A spool that this process owns, and that nobody takes for abandoned while it lives."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        spool = cls(FOLDER / f"{time.time_ns()}-{os.getpid()}")
        spool._owner.acquire()  # before the folder can be seen
        (spool.folder / "files").mkdir(parents=True)
        return spool

    def append(self, kind: str, **values: object) -> None:
        """Write one entry down."""
        entry = {"kind": kind, "time": time.time_ns() // 1_000_000, **values}
        line = json.dumps(entry, default=str) + "\n"  # params may hold what YAML knows and JSON does not, like dates
        file = os.open(self._entries, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)

    def keep(self, source: Path) -> None:
        """Copy a file, which may change or vanish before it is delivered, and write that down."""
        with self._new_file(source.name) as path:
            shutil.copyfile(source, path)

    def keep_bytes(self, name: str, data: bytes) -> None:
        """The same for a file that exists only in memory."""
        with self._new_file(name) as path:
            path.write_bytes(data)

    @contextlib.contextmanager
    def _new_file(self, name: str) -> Iterator[Path]:
        folder = self.folder / "files" / str(time.time_ns())  # one for each file: its name is the artifact's
        folder.mkdir()
        yield folder / name
        self.append("artifact", file=(folder / name).relative_to(self.folder).as_posix())

    def read(self, start: int, limit: int) -> list[tuple[Entry, int]]:
        """Entries from a byte of the file on, each with the byte behind it; a torn one is left out."""
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
        """The first entry, which says what the run is; ``None`` as long as the stage has not come that far."""
        first = self.read(0, 1)
        return first[0][0] if first and first[0][0]["kind"] == "open" else None

    @property
    def delivered(self) -> int:
        """Up to which byte MLflow has what the spool holds."""
        try:
            return int(self._delivered.read_text())
        except FileNotFoundError:
            return 0

    @delivered.setter
    def delivered(self, offset: int) -> None:
        new = self._delivered.with_suffix(".new")
        new.write_text(str(offset))
        new.replace(self._delivered)

    @property
    def abandoned(self) -> bool:
        """Whether the stage's process is gone."""
        try:
            with self._owner.acquire(timeout=0):
                return True
        except Timeout:
            return False

    def leave(self) -> None:
        """Give it out of this process's hands."""
        self._owner.release()

    def claim(self) -> bool:
        """Become the one who delivers it, until the process ends or ``release``; whether that was possible."""
        try:
            self._deliverer.acquire(timeout=0)
        except Timeout:
            return False
        if self.folder.exists():
            return True
        self.remove()  # another one delivered it meanwhile; what is left is the lock's file, made just now
        return False

    def release(self) -> None:
        """Leave it to other deliverers."""
        self._deliverer.release()

    def remove(self) -> None:
        """Forget it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for lock in (self._owner, self._deliverer):
            lock.release()
            Path(lock.lock_file).unlink(missing_ok=True)


def spools() -> list[Spool]:
    """All that are left in this project, the oldest first."""
    found = FOLDER.iterdir() if FOLDER.exists() else ()
    return [Spool(path) for path in sorted(found) if path.is_dir()]
