"""Repairs the files that a killed DVC leaves behind, and with which the next one would not start.

Only the holder of the run lock may do this: then no other DVC of both doors runs.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from dvc.dvcfile import Lockfile
from dvc.exceptions import DvcException
from dvc.lock import make_lock
from dvc.rwlock import RWLOCK_FILE, RWLOCK_LOCK, SCHEMA
from dvc.utils.serialize import parse_yaml
from voluptuous import Invalid

from registry.repository import DVC_LOCK, run_git
from tasks.identity import locked_repo

DVC_TMP = Path(".dvc/tmp")
TORN = Path(".ftn/dvc.lock.torn")
START_LOCK = Path(".ftn/dvc.lock.start")
"""``dvc.lock`` as it was when the last run began."""
_DOORS = ("flows/repro.py", "tasks/parent_death.py")
"""What the command of a DVC that a door starts contains."""


def repair(say: Callable[[str], object]) -> None:
    """Make DVC's files usable again; report what becomes of ``dvc.lock``, and keep a copy of it.

    Raises:
        UserError: Git left conflict markers in ``dvc.lock``. Only its user knows which side counts.
    """
    if (DVC_TMP / RWLOCK_FILE).exists():
        # DVC itself edits the file while it holds this lock
        with make_lock(str(DVC_TMP / RWLOCK_LOCK), tmp_dir=str(DVC_TMP)):
            _forget_dead_processes(DVC_TMP / RWLOCK_FILE)
    if DVC_LOCK.exists() and not _whole(DVC_LOCK):
        with locked_repo():
            _restore_dvc_lock(say)
    if DVC_LOCK.exists():
        partial = START_LOCK.with_suffix(".partial")
        shutil.copyfile(DVC_LOCK, partial)
        partial.replace(START_LOCK)


def _forget_dead_processes(path: Path) -> None:
    """Remove what DVC's file says about paths that ended processes read or write.

    DVC itself counts zombies as running, and whatever has the process id of a DVC that ended. In a container without an
    init both are there for good.
    """
    written = path.stat().st_mtime
    try:
        lock = SCHEMA(json.loads(path.read_text()))
    except (ValueError, Invalid):  # torn
        path.unlink()
        return
    read = {key: [entry for entry in entries if _runs(entry, written)] for key, entries in lock["read"].items()}
    left = {
        "read": {key: entries for key, entries in read.items() if entries},
        "write": {key: entry for key, entry in lock["write"].items() if _runs(entry, written)},
    }
    if left != lock:
        path.write_text(json.dumps(left))


def _runs(entry: dict[str, Any], written: float) -> bool:
    """Whether the process of an entry runs still.

    Args:
        entry: its id and its command.
        written: when the file was written. A process that started later has only got the same id.
    """
    if any(door in entry["cmd"] for door in _DOORS):
        return False
    try:
        process = psutil.Process(entry["pid"])
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= written
    except psutil.NoSuchProcess:
        return False


def _whole(path: Path) -> bool:
    """Whether DVC can read its ``dvc.lock`` to the end. It writes the file in place, and a line break is the last."""
    text = path.read_text(errors="replace")
    try:
        Lockfile.validate(parse_yaml(text, path))
    except DvcException:
        return False
    return text.endswith("\n")


def _restore_dvc_lock(say: Callable[[str], object]) -> None:
    """Take the ``dvc.lock`` with which the last run began in place of a torn one; else the commit's, or none.

    Nothing that was made is lost. DVC puts a stage's result into its run-cache before it writes ``dvc.lock``, and
    restores it from there.
    """
    if not DVC_LOCK.exists() or _whole(DVC_LOCK):  # another DVC was writing it
        return
    committed = run_git("show", f"HEAD:./{DVC_LOCK}")
    DVC_LOCK.replace(TORN)
    if START_LOCK.exists():
        replacement = "that of the last run's start"
        shutil.copyfile(START_LOCK, DVC_LOCK)
    elif committed.returncode == 0:
        replacement = "the commit's"
        DVC_LOCK.write_text(committed.stdout)
    else:
        replacement = "none"
    say(
        f"{DVC_LOCK} was torn (it is kept as {TORN}): {replacement} is in its place now; "
        "DVC restores from its cache what has been made since"
    )
