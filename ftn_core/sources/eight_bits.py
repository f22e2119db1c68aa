"""Pixels with 8 bits a sample from a picture that Pillow has opened."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ftn_core.utils.errors import UserError


def decode_pixels(image: Image.Image) -> NDArray[np.uint8]:
    """The pixels of a picture with 8 bits a sample.

    Raises:
        UserError: the picture is neither RGB nor grey, as CMYK.
    """
    if image.has_transparency_data and image.mode not in ("LA", "RGBA"):
        # a palette with alpha, or one transparent colour
        image = image.convert("LA" if image.mode == "L" else "RGBA")
    elif image.mode in ("P", "1"):
        image = image.convert("RGB" if image.mode == "P" else "L")
    if image.mode not in ("L", "LA", "RGB", "RGBA"):
        raise UserError(f"colours of kind {image.mode}: convert it to RGB or grey of 8 or 16 bits first")
    pixels = np.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[..., None]
