"""Pixels of TIFF files, for training, the page and the command. What is not read right is refused by name.

tifffile reads every layout, but some compressions (LZW, JPEG) only with the package imagecodecs. Pillow reads these
with 8 bits. It is asked for nothing else: it doubles columns of 16 bits in planes, and turns 16 bits into negatives.
"""

import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import ExifTags, Image
from tifffile import TiffFile, TiffPage

from ftn_core.sources.eight_bits import decode_pixels
from ftn_core.utils.errors import UserError

# errors are raised as exceptions; log lines would disturb the progress lines
logging.getLogger("tifffile").setLevel(logging.CRITICAL)

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""How a TIFF file begins, whatever its name."""

_MIN_IS_WHITE, _RGB, _PALETTE, _YCBCR = 0, 2, 3, 6
_COLOURS = {_MIN_IS_WHITE: 1, 1: 1, _RGB: 3, _PALETTE: 1, _YCBCR: 3}
_JPEG = (6, 7)
_SAMPLE_FORMATS = {2: "signed integers", 3: "floating point", 5: "complex integers", 6: "complex numbers"}
_BACK = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def only_page(file: TiffFile) -> TiffPage:
    """The only picture in the file, if its kind is one that ``read_pixels`` reads.

    Raises:
        UserError: it is of another kind, or there are several pictures. The message does not name the file.
    """
    if len(file.pages) != 1:
        raise UserError(f"{len(file.pages)} pages: only single pictures can be denoised")
    page = file.pages[0]
    assert isinstance(page, TiffPage)
    if page.subifds or 50706 in page.tags:  # DNGVersion: the page is a preview, the photograph is in a directory below
        raise UserError("several pictures in one, as in DNG: only single pictures can be denoised")
    if page.sampleformat != 1:
        raise UserError(
            f"{_SAMPLE_FORMATS.get(page.sampleformat, 'unknown samples')}: convert it to 8 or 16 bits first"
        )
    bits = page.tags.valueof(258, 1)
    depths = {bits} if isinstance(bits, int) else set(bits)
    colours, samples = _COLOURS.get(page.photometric), page.samplesperpixel
    if colours is None or (page.photometric == _YCBCR and page.compression not in _JPEG) or samples < colours:
        raise UserError(f"{samples} samples of {_name(page)} a pixel: convert it to RGB or grey first")
    if samples > colours and tuple(page.extrasamples) not in ((1,), (2,)):
        raise UserError(f"{samples - colours} samples beside {_name(page)} that are no alpha: convert it first")
    if len(depths) > 1 or not depths <= {1, 2, 4, 8, 16} or (depths != {8} and page.photometric == _YCBCR):
        raise UserError(f"{', '.join(map(str, sorted(depths)))} bits a sample: convert it to 8 or 16 bits first")
    return page


def read_pixels(path: Path, page: TiffPage) -> tuple[NDArray[Any], bool]:
    """The pixels of the page that ``only_page`` gives, and whether their colours are multiplied by alpha.

    Returns:
        ``H x W x C`` of uint8 or uint16 as they are stored, 0 for black, alpha last. Palettes become RGB, fewer than 8
        bits become 8.

    Raises:
        UserError: the compression cannot be read at this depth or in this layout.
        Exception: any that the decoders raise for damaged files.
    """
    if len(page.databytecounts) < math.prod(page.chunked) or not all(page.databytecounts):
        raise UserError("damaged: some of its pixels are missing")  # tifffile would take 0 for them
    if page.bitspersample >= 8 and page.photometric not in (_PALETTE, _YCBCR):
        try:
            return _by_tifffile(page), tuple(page.extrasamples) == (1,)
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
    if page.bitspersample == 16 or (page.planarconfig == 2 and page.samplesperpixel == 2):
        how = f"{page.bitspersample} bits" if page.bitspersample == 16 else "alpha in a plane of its own"
        compression = tifffile.COMPRESSION(page.compression).name
        raise UserError(f"{how} with compression {compression}: install the package imagecodecs")
    return decode_pixels(_as_stored(path)), False


def _by_tifffile(page: TiffPage) -> NDArray[Any]:
    pixels: NDArray[Any] = page.asarray()  # type: ignore[assignment]
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    elif page.planarconfig == 2:
        pixels = np.ascontiguousarray(pixels.transpose(1, 2, 0))
    if page.photometric == _MIN_IS_WHITE:
        pixels[..., 0] = np.iinfo(pixels.dtype).max - pixels[..., 0]
    return pixels


def _as_stored(path: Path) -> Image.Image:
    """The picture as it is stored. Pillow rotates TIFF by its orientation, so this rotates it back."""
    # opened by name, Pillow maps some files into memory and does not rotate those
    with path.open("rb") as file, Image.open(file, formats=("TIFF",)) as image:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        image.load()
        return image.transpose(_BACK[orientation]) if orientation in _BACK else image


def upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """``H x W x C`` as it is seen, from pixels as they are stored and EXIF's orientation."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    rows = -1 if orientation in (3, 4, 7, 8) else 1
    columns = -1 if orientation in (2, 3, 6, 7) else 1
    return pixels[::rows, ::columns]


def as_stored(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """The other way round: ``H x W x C`` as a picture of this orientation stores it, from pixels as they are seen."""
    pixels = upright(pixels, orientation if orientation < 5 else {5: 1, 6: 2, 7: 3, 8: 4}[orientation])
    return pixels.swapaxes(0, 1) if orientation >= 5 else pixels


def _name(page: TiffPage) -> str:
    return str(tifffile.PHOTOMETRIC(page.photometric).name)
