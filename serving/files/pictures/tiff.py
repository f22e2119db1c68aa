"""TIFF: ``ftn_core.sources.tiff`` reads the pixels; this reads the metadata, and writes with tifffile."""

import contextlib
import errno
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import tifffile
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from tifffile import TIFF, TiffPage

from ftn_core.sources.tiff import only_page, read_pixels
from ftn_core.utils.errors import UserError
from serving.files.pictures.picture import Picture, PixelArray

_DIRECTORIES = {"ExifTag": ExifTags.IFD.Exif, "GPSTag": ExifTags.IFD.GPSInfo}
# tags about the layout and compression of pixels, beside those that tifffile writes itself: they may change
_ABOUT_PIXELS = TIFF.TAG_FILTERED | {254, 255, 263, 280, 281, 290, 291, 292, 293, 320, 347, 512, 513, 514, 529, 530,
                                     531, 532}  # fmt: skip
_POINTERS = (13, 18)
_RATIONAL = (5, 10)
_RESOLUTION = (282, 283, 296)


def read(path: Path, has_room: Callable[[int, int, int], None]) -> Picture:
    """See ``serving.files.pictures.read_picture``."""
    with tifffile.TiffFile(path) as file:
        page = only_page(file)
        if len(list(page.tags)) < _tags(file, page):
            raise UserError("damaged: some of what belongs to it cannot be read")
        height = page.imagelength * page.imagedepth
        has_room(page.imagewidth, height, page.samplesperpixel * page.bitspersample // 8 or 1)
        kept = {
            "byteorder": file.byteorder,
            "extratags": [
                _copied(tag)
                for tag in page.tags
                if tag.code not in _ABOUT_PIXELS and tag.code not in _RESOLUTION and tag.dtype not in _POINTERS
            ],
            "resolution": tuple(page.tags[code].value for code in _RESOLUTION[:2]) if 282 in page.tags else None,
            "unit": page.tags.valueof(296, 2),
            "directories": {name: _directory(file, page, code) for name, code in _DIRECTORIES.items()},
            "compressed": page.compression != 1,
        }
        pixels, premultiplied = read_pixels(path, page)
        kept["extrasamples"] = ("ASSOCALPHA" if premultiplied else "UNASSALPHA",)
        return Picture(pixels, "TIFF", page.tags.valueof(274, 1), kept)


def _tags(file: tifffile.TiffFile, page: TiffPage) -> int:
    """How many tags the file declares. tifffile silently skips those whose values lie beyond the file's end."""
    file.filehandle.seek(page.offset)
    return int(struct.unpack(file.tiff.tagnoformat, file.filehandle.read(file.tiff.tagnosize))[0])


def _copied(tag: tifffile.TiffTag) -> tuple[int, int, int, Any, bool]:
    """A tag for a file of the same byte order, with its bytes unchanged."""
    # for rationals astuple counts numerators and denominators
    value = tag.value if tag.dtype in _RATIONAL else tag.astuple()[3]
    return tag.code, tag.dtype, tag.count, value, True


def _directory(file: tifffile.TiffFile, page: TiffPage, code: int) -> dict[int, Any]:
    """The tags of the EXIF or GPS directory by number; empty if there is none."""
    if code not in page.tags:
        return {}
    exif = Image.Exif()
    exif.endian, exif.bigtiff = file.byteorder, file.is_bigtiff
    exif.load_from_fp(cast(IO[bytes], file.filehandle), page.offset)
    found = dict(exif.get_ifd(code))
    found.pop(ExifTags.IFD.Interop, None)  # an offset in the old file
    return found


@contextlib.contextmanager
def _full_disk_named() -> Iterator[None]:
    """NumPy, which writes the pixels, raises an error without a number if it cannot write all of them."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None
        raise


@_full_disk_named()
def write(picture: Picture, pixels: PixelArray, path: Path) -> None:
    """See ``serving.files.pictures.write_picture``. Any compression becomes deflate, which is lossless."""
    kept, channels = picture.kept, pixels.shape[2]
    directories = {name: tags for name, tags in kept["directories"].items() if tags}
    tifffile.imwrite(
        path,
        pixels.squeeze(2) if channels == 1 else pixels,
        byteorder=kept["byteorder"],
        photometric="minisblack" if channels < 3 else "rgb",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=kept["extrasamples"] if picture.has_alpha else None,
        compression="zlib" if kept["compressed"] else None,
        predictor=kept["compressed"],
        rowsperstrip=64,
        resolution=kept["resolution"],
        resolutionunit=kept["unit"] if kept["resolution"] else None,
        metadata=None,
        software=False,
        # tifffile cannot write directories. Until they are appended, these tags point at the page's own, at offset 8
        extratags=kept["extratags"] + [(name, "I", 1, 8, True) for name in directories],
    )
    for name, tags in directories.items():
        _append_directory(path, name, tags, b"II" if kept["byteorder"] == "<" else b"MM")


def _append_directory(path: Path, name: str, tags: dict[int, Any], prefix: bytes) -> None:
    directory = ImageFileDirectory_v2(prefix=prefix)
    for code, value in tags.items():
        directory[code] = value
    with path.open("r+b") as file:
        offset = file.seek(0, 2)
        offset += file.write(b"\0" * (offset % 2))
        file.write(directory.tobytes(offset))
    with tifffile.TiffFile(path, mode="r+") as tiff:
        page = tiff.pages[0]
        assert isinstance(page, TiffPage)
        page.tags[name].overwrite(offset)
