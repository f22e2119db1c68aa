"""Unfinished trainings on DVC's remote: if a machine dies, the next one goes on from the last checkpoint."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from tasks.workspace import RESUME

INTERVAL = 15.0
"""Seconds between two looks for a new checkpoint."""


@contextlib.contextmanager
def shared_checkpoints(key: str, on_trouble: Callable[[str], object]) -> Iterator[None]:
    """Take up what another machine has left under ``key``; while the block runs, keep the remote up to date.

    After a block that ends well nothing is left there. A remote that cannot be reached ends no training.
    """
    from dvc.repo import Repo

    with Repo() as repo:
        remote = repo.cloud.get_remote_odb(None, "push", hash_name="md5-dos2unix")
    keeper = _Keeper(remote.fs, remote.fs.join(remote.path, "resume", key), on_trouble)
    keeper.tolerantly(keeper.fetch)
    done = threading.Event()
    thread = threading.Thread(target=keeper.follow, args=(done,), daemon=True)
    thread.start()
    try:
        yield
    except BaseException:
        done.set()
        thread.join()
        keeper.tolerantly(keeper.push)
        raise
    done.set()
    thread.join()
    keeper.tolerantly(keeper.clear)


class _Keeper:
    def __init__(self, fs: Any, folder: str, on_trouble: Callable[[str], object]) -> None:  # noqa: ANN401 - DVC's file systems
        self._fs, self._folder, self._on_trouble = fs, folder, on_trouble
        self._pushed: dict[str, float] = {}

    def tolerantly(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # of whatever storage it is
            self._on_trouble(f"checkpoints are not shared for now: {type(error).__name__}: {error}")

    def fetch(self) -> None:
        for there in self._fs.find(self._folder) if self._fs.exists(self._folder) else []:
            here = RESUME / self._fs.name(there)
            here.parent.mkdir(parents=True, exist_ok=True)
            partial = here.with_suffix(".partial")
            self._fs.get_file(there, str(partial))
            partial.replace(here)
            self._pushed[here.name] = here.stat().st_mtime

    def push(self) -> None:
        for here in RESUME.glob("*.safetensors"):
            with contextlib.suppress(FileNotFoundError):  # the training has ended
                written = here.stat().st_mtime
                if self._pushed.get(here.name) != written:
                    self._fs.put_file(str(here), self._fs.join(self._folder, here.name))
                    self._pushed[here.name] = written

    def follow(self, done: threading.Event) -> None:
        while not done.wait(INTERVAL):
            self.tolerantly(self.push)

    def clear(self) -> None:
        if self._fs.exists(self._folder):
            self._fs.remove(list(self._fs.find(self._folder)))
