"""The pictures that can be opened: the samples, and what visitors have uploaded."""

import secrets
import time
from functools import lru_cache
from pathlib import Path

from ftn_core.utils.errors import UserError
from serving.demo.pictures import OpenedPicture, decode_picture, samples

KEPT = 3600
"""Seconds after which an upload is deleted if nobody has looked at it."""


class OpenPictures:
    """Samples by name, and uploads by keys that cannot be guessed: a visitor can name only his own.

    Args:
        folder: for uploads; only this user may read it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.samples = samples()
        self._uploads: dict[str, str] = {}

    def new(self, name: str) -> tuple[str, Path]:
        """A key for an upload and the path where its file is to lie. Uploads that nobody has used are deleted."""
        for key in [key for key in self._uploads if _idle(self.folder / key) > KEPT]:
            self.forget(key)
        key = secrets.token_urlsafe(16)
        self._uploads[key] = Path(name).name or "picture"
        return key, self.folder / key

    def forget(self, key: str) -> None:
        """Delete an upload, also one that has not come to its end."""
        del self._uploads[key]
        (self.folder / key).unlink(missing_ok=True)

    def open(self, key: str) -> OpenedPicture:
        """The picture. Raises ``UserError`` if there is none of this key, or it cannot be decoded."""
        if key in self.samples:
            sample = self.samples[key]
            return _decoded(sample.path, sample.path.name, f"{sample.source}: {sample.terms}")
        if key not in self._uploads:
            raise UserError("this picture is no longer here: open it again")
        path = self.folder / key
        path.touch()
        return _decoded(path, self._uploads[key], "")


# a picture that is opened again is the same object, so that its degraded form is found, too
_decoded = lru_cache(4)(decode_picture)


def _idle(path: Path) -> float:
    return time.time() - path.stat().st_mtime if path.exists() else 0.0
