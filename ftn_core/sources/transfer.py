"""The interface between ``download`` and a URL scheme (http, s3)."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass


@dataclass(frozen=True)
class Body:
    """The rest of a file that a server is sending."""

    start: int
    """Position of its first byte in the file: as requested, or 0 if the server can only start over."""
    total: int | None
    """Size of the whole file in bytes; None if the server does not state it."""
    read: Callable[[int], bytes]
    """Reads at most the given number of bytes; an empty result is the end."""

    @classmethod
    def empty(cls, size: int) -> "Body":
        """A body without bytes, for a file of ``size`` bytes that has been received completely."""
        return cls(size, size, lambda _: b"")


Open = Callable[[str, int], AbstractContextManager[Body]]
"""Opens a URL from a given byte on.

Opening and reading raise ``TransientError`` if a retry may help, and ``UserError`` if it cannot.
"""


class TransientError(Exception):
    """The network or the server failed, and a retry may help."""
