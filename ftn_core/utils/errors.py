"""The exception whose message is meant for users."""

import contextlib
import errno
import sqlite3
from collections.abc import Iterator

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Numbers of the system's errors for a disk without room."""
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)


class UserError(Exception):
    """A mistake that the user can correct.

    The message is one line that names the key, file or image, and says what to do. Commands print it without a
    traceback and exit with code 2.
    """


@contextlib.contextmanager
def disk_errors() -> Iterator[None]:
    """A full disk, a file system that is read-only and a permission that is missing are for the user to mend.

    Raises:
        UserError: the block met one of these.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL + _FORBIDDEN:
            raise
        what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        remedy = "make room" if error.errno in FULL else "make it accessible"
    except sqlite3.OperationalError as error:  # DVC's or MLflow's database
        if "disk" not in (what := str(error)):
            raise
        remedy = "make room"
    else:
        return
    raise UserError(f"{what}: {remedy} and run this again, which goes on from there")
