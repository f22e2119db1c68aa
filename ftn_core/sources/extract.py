"""Unpacks archives of photographs: regular files and their folders, nothing else, and never outside their folder."""

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Self

from ftn_core.sources.space import check_room
from ftn_core.utils.errors import UserError
from ftn_core.utils.messages import say

MAX_MEMBERS = 1_000_000
MAX_RATIO = 100
"""Unpacked bytes for each byte of the archive. Photographs hardly shrink: what shrinks this much fills disks."""
FREE_OF_RATIO = 10**8
"""Bytes that any archive may unpack to."""
_MAX_HEADER = 1 << 20
"""Bytes of one header of a tar file, which tarfile reads into memory."""
_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_BLOCK = 1 << 20
_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,  # encrypted
    NotImplementedError,  # a compression that zipfile does not support
    ValueError,  # a name that is no text
)

Members = Iterator[tuple[str, IO[bytes] | None]]
"""Name and content of each member; None: it is no regular file."""


def extract(archive: Path, folder: Path) -> Path:
    """Unpack a zip or tar file into ``folder``, unless it exists. The folder appears when all files are unpacked.

    Links and devices are skipped: photographs need none.

    Raises:
        UserError: the file is neither zip nor tar, is damaged, has a member that points outside the folder or cannot
            be written, or unpacks to too much. Nothing of it is left.
    """
    if folder.is_dir():
        return folder
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    say(f"unpacking {archive.name}")
    try:
        _write(archive, partial)
        return partial.rename(folder)
    except _DAMAGE as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        if "\n" in reason:  # what each kind of tar file says
            reason = "it is neither zip nor tar, or damaged"
        raise UserError(f"data.archive: {archive.name} cannot be unpacked: {reason}: use another archive") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write(archive: Path, folder: Path) -> None:
    largest = FREE_OF_RATIO + MAX_RATIO * archive.stat().st_size
    written = 0
    members = _zip_members if zipfile.is_zipfile(archive) else _tar_members
    for number, (name, content) in enumerate(members(archive), 1):
        if number > MAX_MEMBERS:
            raise ValueError(f"it has more than {MAX_MEMBERS:,} members")
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{name[:80]!r} points outside the archive")
        if content is None:
            continue
        try:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            with (folder / path).open("wb") as file:
                while block := content.read(_BLOCK):
                    written += len(block)
                    if written > largest:
                        raise ValueError(f"it unpacks to more than {largest / 1e6:,.0f} MB")
                    check_room(folder, len(block), written, f"data.archive: {archive.name}")
                    file.write(block)
        except OSError as error:  # a name that is too long, a file `a` beside a file `a/b`, a full disk
            raise ValueError(f"{name[:80]!r}: {error.strerror or error}") from None


def _zip_members(archive: Path) -> Members:
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            name = member.filename.replace("\\", "/")
            if not member.is_dir() and stat.S_IFMT(member.external_attr >> 16) in (0, stat.S_IFREG):
                with file.open(member) as content:
                    yield name, content
            else:
                yield name, None


def _tar_members(archive: Path) -> Members:
    with tarfile.open(archive, tarinfo=_TarInfo) as file:
        for member in file:
            yield member.name, file.extractfile(member) if member.isfile() else None


class _TarInfo(tarfile.TarInfo):
    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Refuse a header that would fill the memory."""
        member = super().frombuf(buf, encoding, errors)
        if member.type in _HEADERS and member.size > _MAX_HEADER:
            raise ValueError(f"a header of {member.size} bytes")
        return member
