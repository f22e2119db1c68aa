"""Checkpoints of unfinished trainings on DVC's remote, from which another machine resumes if this one dies."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from flows.transfer import remote_root
from tasks.paths import RESUME

INTERVAL = 15.0
"""Seconds between two uploads."""


@contextlib.contextmanager
def shared_checkpoints(key: str, on_error: Callable[[str], object]) -> Iterator["CheckpointSync"]:
    """Download the checkpoints stored under ``key``, then upload new ones while the block runs and when it ends.

    An unreachable remote ends no training: ``on_error`` gets the message.
    """
    sync = CheckpointSync(key, on_error)
    sync.attempt(sync.download)
    done = threading.Event()
    thread = threading.Thread(target=sync.upload_until, args=(done,), daemon=True)
    thread.start()
    try:
        yield sync
    finally:
        done.set()
        thread.join()
        sync.attempt(sync.upload)


class CheckpointSync:
    """Copies the checkpoints of one stage between this machine and the remote."""

    def __init__(self, key: str, on_error: Callable[[str], object]) -> None:
        self._key, self._on_error = key, on_error
        self._synced: dict[str, float] = {}
        """By file name, the modification time of what the remote has."""

    @cached_property
    def _remote(self) -> tuple[Any, str]:
        """The remote's file system, and the folder of the checkpoints in it."""
        from dvc.repo import Repo

        with Repo() as repo:
            remote = remote_root(repo, "push")
        return remote.fs, remote.fs.join(remote.path, "resume", self._key)

    def attempt(self, action: Callable[[], None]) -> None:
        """Call one of the methods below; an error is reported, not raised."""
        try:
            action()
        except Exception as error:  # each kind of storage has its own
            self._on_error(f"checkpoints are not shared for now: {type(error).__name__}: {error}")

    def download(self) -> None:
        fs, folder = self._remote
        for source in fs.find(folder) if fs.exists(folder) else []:
            target = RESUME / fs.name(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_suffix(".partial")
            fs.get_file(source, str(partial))
            partial.replace(target)
            self._synced[target.name] = target.stat().st_mtime

    def upload(self) -> None:
        fs, folder = self._remote
        for source in RESUME.glob("*.safetensors"):
            with contextlib.suppress(FileNotFoundError):  # the training has ended and removed it
                modified = source.stat().st_mtime
                if self._synced.get(source.name) != modified:
                    fs.put_file(str(source), fs.join(folder, source.name))
                    self._synced[source.name] = modified

    def upload_until(self, done: threading.Event) -> None:
        while not done.wait(INTERVAL):
            self.attempt(self.upload)

    def clear(self) -> None:
        """Remove the remote's copies: the stage has ended well."""
        fs, folder = self._remote
        if fs.exists(folder):
            fs.remove(list(fs.find(folder)))
