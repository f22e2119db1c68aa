"""Unpacks archives of photographs. Archives cannot write outside their folder."""

import gzip
import lzma
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ftn_core.utils.errors import UserError

_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,  # encrypted
    NotImplementedError,  # a compression that zipfile does not support
)


def extract(archive: Path, folder: Path) -> Path:
    """Unpack a zip or tar file into ``folder``, unless it exists. The folder appears when all files are unpacked.

    Raises:
        UserError: the file is neither zip nor tar, is damaged, or has a member that points outside the folder.
    """
    if folder.is_dir():
        return folder
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    print(f"unpacking {archive.name}", flush=True)
    try:
        if zipfile.is_zipfile(archive):
            _extract_zip(archive, partial)
        else:
            # the filter refuses absolute paths, "..", devices, and links to the outside
            with tarfile.open(archive) as tar:
                tar.extractall(partial, filter="data")
    except _DAMAGE as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise UserError(f"data.archive: {archive.name} cannot be unpacked: {error}: use another archive") from None
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return partial.rename(folder)


def _extract_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        for name in file.namelist():
            path = PurePosixPath(name.replace("\\", "/"))
            # zipfile would silently write such a member to another place
            if path.is_absolute() or ".." in path.parts:
                raise zipfile.BadZipFile(f"{name!r} points outside the archive")
        file.extractall(folder)
