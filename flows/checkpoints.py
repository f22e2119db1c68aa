"""Unfinished trainings on DVC's remote: if a machine dies, the next one goes on from the last checkpoint."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from flows.transfer import remote_root
from tasks.paths import RESUME

INTERVAL = 15.0
"""Seconds between two looks for a new checkpoint."""


@contextlib.contextmanager
def shared_checkpoints(key: str, on_trouble: Callable[[str], object]) -> Iterator["Keeper"]:
    """Take up what another machine left under ``key``; keep the remote up to date while the block runs, and at its end.

    A remote that cannot be reached ends no training.
    """
    keeper = Keeper(key, on_trouble)
    keeper.tolerantly(keeper.fetch)
    done = threading.Event()
    thread = threading.Thread(target=keeper.follow, args=(done,), daemon=True)
    thread.start()
    try:
        yield keeper
    finally:
        done.set()
        thread.join()
        keeper.tolerantly(keeper.push)


class Keeper:
    """One stage's checkpoints, here and at the remote."""

    def __init__(self, key: str, on_trouble: Callable[[str], object]) -> None:
        self._key, self._on_trouble = key, on_trouble
        self._pushed: dict[str, float] = {}

    @cached_property
    def _place(self) -> tuple[Any, str]:
        """The remote's file system, and the folder there."""
        from dvc.repo import Repo

        with Repo() as repo:
            remote = remote_root(repo, "push")
        return remote.fs, remote.fs.join(remote.path, "resume", self._key)

    def tolerantly(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # of whatever storage it is
            self._on_trouble(f"checkpoints are not shared for now: {type(error).__name__}: {error}")

    def fetch(self) -> None:
        fs, folder = self._place
        for there in fs.find(folder) if fs.exists(folder) else []:
            here = RESUME / fs.name(there)
            here.parent.mkdir(parents=True, exist_ok=True)
            partial = here.with_suffix(".partial")
            fs.get_file(there, str(partial))
            partial.replace(here)
            self._pushed[here.name] = here.stat().st_mtime

    def push(self) -> None:
        fs, folder = self._place
        for here in RESUME.glob("*.safetensors"):
            with contextlib.suppress(FileNotFoundError):  # the training has ended
                written = here.stat().st_mtime
                if self._pushed.get(here.name) != written:
                    fs.put_file(str(here), fs.join(folder, here.name))
                    self._pushed[here.name] = written

    def follow(self, done: threading.Event) -> None:
        while not done.wait(INTERVAL):
            self.tolerantly(self.push)

    def clear(self) -> None:
        """Leave nothing at the remote: the stage has ended well."""
        fs, folder = self._place
        if fs.exists(folder):
            fs.remove(list(fs.find(folder)))
