"""How much downloads and archives may write."""

import shutil
from pathlib import Path

from ftn_core.utils.errors import UserError

MAX_BYTES = 500 * 10**9
"""More than any set of photographs that fits the purpose."""
RESERVE = 10**9
"""Bytes that stay free on the disk."""


def check_room(folder: Path, more: int, total: int, what: str) -> None:
    """Refuse to write ``more`` bytes into ``folder``, which make ``total``, if that is too much.

    Raises:
        UserError: for anything that could be meant, or for the disk; the message begins with ``what``.
    """
    if total > MAX_BYTES:
        raise UserError(f"{what} is larger than {MAX_BYTES / 1e9:,.0f} GB: use a smaller archive")
    free = shutil.disk_usage(folder).free
    if more > free - RESERVE:
        raise UserError(
            f"{what} does not fit: {folder} has {free / 1e9:.1f} GB left, of which {RESERVE / 1e9:.0f} GB stays free: "
            "make room, or use a smaller archive"
        )
