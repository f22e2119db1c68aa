"""What the download needs of a scheme (http, s3): a body from some byte on, and which failures may pass."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass


@dataclass(frozen=True)
class Body:
    """The rest of a file that a server is sending."""

    start: int
    """Its first byte's place in the file: the one asked for, or 0 if the server can only begin anew."""
    total: int | None
    """The whole file's size in bytes, where the server tells it."""
    read: Callable[[int], bytes]
    """At most so many bytes more; none at the end."""

    @classmethod
    def empty(cls, size: int) -> "Body":
        """There is nothing beyond the ``size`` bytes that we have."""
        return cls(size, size, lambda _: b"")


Open = Callable[[str, int], AbstractContextManager[Body]]
"""Opens an address from some byte on. While it is open and while its body is read it raises ``TransientError``
for what may pass, ``UserError`` for what cannot."""


class TransientError(Exception):
    """The network or the server failed in a way that may be over after a while."""
