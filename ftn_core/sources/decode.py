"""Decodes an image file to ``3 x H x W`` RGB bytes, or states why it cannot be used."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from tifffile import TiffFile
from torchvision.io import decode_image

from ftn_core.sources import tiff
from ftn_core.sources.orientation import orientation
from ftn_core.utils.errors import UserError

# decode checks data.max_pixels instead; Pillow's limit could refuse what that allows
Image.MAX_IMAGE_PIXELS = None

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")


def decoded_size(path: Path) -> int:
    """The number of bytes that ``decode`` will give, from the image's header; 0 if the header cannot be read."""
    try:
        if _is_tiff(path):
            with TiffFile(path) as file:
                return 3 * file.pages.first.imagewidth * file.pages.first.imagelength
        with Image.open(path, formats=_FORMATS) as image:
            return 3 * image.width * image.height
    except Exception:  # as in decode, which will report the reason
        return 0


class Unusable(Exception):  # noqa: N818 - a verdict on an image, not a failure of the program
    """The image cannot be used; the message is a short reason without paths."""


def decode(path: Path, *, min_side: int, max_pixels: int) -> NDArray[np.uint8]:
    """Decode one image to RGB, ``3 x H x W``, upright.

    16 bits become 8 by rounding ``x / 257``. Transparent pixels are
    composited onto white, so hidden colours do not appear. An animation gives its first frame. Colour profiles
    and gamma chunks are ignored.

    Raises:
        Unusable: the file is unreadable, damaged or truncated, a side is shorter than ``min_side``, or there
            are more than ``max_pixels`` pixels. The size is read from the header, before anything is decoded.
    """
    try:
        if _is_tiff(path):
            return _tiff(path, min_side, max_pixels)
        image = Image.open(path, formats=_FORMATS)
    except Unusable:
        raise
    except Exception as error:  # decoders can raise almost anything for hostile files
        raise Unusable("not a readable image") from error
    with image:
        _check_size(*image.size, min_side, max_pixels)
        try:
            return _by_torchvision(path, image) if _torchvision_can(image) else _by_pillow(image)
        except Unusable:
            raise
        except Exception as error:
            raise Unusable(f"damaged, truncated or unsupported {image.format}") from error


def _check_size(width: int, height: int, min_side: int, max_pixels: int) -> None:
    if min(width, height) < min_side:
        raise Unusable(f"{width} x {height} pixels: a side is shorter than {min_side}")
    if width * height > max_pixels:
        raise Unusable(f"{width} x {height} pixels: more than {max_pixels}")


def _is_tiff(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in tiff.SIGNATURES


def _tiff(path: Path, min_side: int, max_pixels: int) -> NDArray[np.uint8]:
    with TiffFile(path) as file:
        first = file.pages.first
        _check_size(first.imagewidth, first.imagelength, min_side, max_pixels)
        try:
            page = tiff.only_page(file)
            pixels, premultiplied = tiff.read_pixels(path, page)
        except UserError as error:
            raise Unusable(str(error)) from None
        except Exception as error:
            raise Unusable("damaged, truncated or unsupported TIFF") from error
    pixels = _eight_bits(tiff.upright(pixels, page.tags.valueof(274, 1)).transpose(2, 0, 1))
    colours = np.repeat(pixels[:1], 3, axis=0) if len(pixels) < 3 else pixels[:3]
    if len(pixels) in (1, 3):
        return np.ascontiguousarray(colours)
    if premultiplied:
        return np.minimum(colours.astype(np.uint16) + (255 - pixels[-1]), 255).astype(np.uint8)
    return _on_white(np.concatenate([colours, pixels[-1:]]))


def _torchvision_can(image: Image.Image) -> bool:
    if image.format == "WEBP":
        # torchvision ignores the orientation of WebP and refuses animations
        return orientation(image) == 1 and not getattr(image, "is_animated", False)
    # not GIF: torchvision decodes all frames at once. MPO is JPEG followed by more pictures
    return image.format in ("JPEG", "MPO", "PNG")


def _by_torchvision(path: Path, image: Image.Image) -> NDArray[np.uint8]:
    # decode from memory: torchvision takes paths as str, which cannot represent every file name
    data = torch.from_numpy(np.fromfile(path, np.uint8))
    key: Any = image.info.get("transparency")
    # PNG may declare one colour as transparent, which torchvision ignores; palettes are another case
    keyed = key is not None and image.mode != "P"
    mode = "RGBA" if image.has_transparency_data and not keyed else "RGB"
    pixels: NDArray = decode_image(data, mode=mode, apply_exif_orientation=True).numpy()
    if keyed:
        hidden = (pixels == np.reshape(key, (-1, 1, 1))).all(axis=0)
        pixels[:, hidden] = np.iinfo(pixels.dtype).max
    return _on_white(_eight_bits(pixels))


def _by_pillow(image: Image.Image) -> NDArray[np.uint8]:
    upright = image if orientation(image) == 1 else ImageOps.exif_transpose(image)
    pixels = np.asarray(upright.convert("RGBA" if upright.has_transparency_data else "RGB"))
    return _on_white(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def _eight_bits(pixels: NDArray) -> NDArray[np.uint8]:
    if pixels.dtype.itemsize == 1:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _on_white(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Composite ``4 x H x W``, alpha last, onto white: ``3 x H x W``. Images without alpha stay unchanged."""
    if len(pixels) == 3:
        return pixels
    alpha = pixels[3].astype(np.uint16)
    mixed: NDArray[np.uint16] = pixels[:3] * alpha + 255 * (255 - alpha) + 127
    return (mixed // 255).astype(np.uint8)
