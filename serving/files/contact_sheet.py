"""A contact sheet: one picture at several positions of the dial, side by side."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.sources.tiff import as_stored, upright
from ftn_core.words.labels import label
from serving.files.bands import restore_in_bands
from serving.files.pictures import Picture, PixelArray

STOPS = 5


def stop_positions(denoiser: ContinuousDenoiser) -> list[float]:
    """``STOPS`` even positions over the whole dial; without its beginning where that leaves a picture as it is."""
    positions = np.linspace(*denoiser.span, STOPS if denoiser.nothing is None else STOPS + 1)
    return [float(x) for x in positions[-STOPS:]]


def contact_sheet(
    denoiser: ContinuousDenoiser, picture: Picture, progress: Callable[[int], None] = lambda rows: None
) -> PixelArray:
    """The picture as it is, then restored at each stop, each under its level.

    They stand from left to right in a viewer that turns the picture upright.

    Args:
        progress: called with the number of rows that are done, those of earlier stops included.
    """
    parts = {"as it is": upright(picture.pixels, picture.orientation)}
    network = None
    for i, position in enumerate(stop_positions(denoiser)):
        network = denoiser.fold(position, network)
        pixels = restore_in_bands(network, picture, _after(i * len(picture.pixels), progress))
        level = label(denoiser.task.quantity, denoiser.level_at(position))
        parts[f"{denoiser.task.quantity.name} {level}"] = upright(pixels, picture.orientation)
    size = _text_size(list(parts), next(iter(parts.values())).shape[1])
    sheet = [np.concatenate([_label(text, size, part), part]) for text, part in parts.items()]
    return as_stored(np.concatenate(sheet, axis=1), picture.orientation)


def _text_size(texts: list[str], width: int) -> float:
    """The height of letters with which the longest text fits; for wide pictures no more than people need."""
    longest = max(ImageFont.load_default(20).getlength(text) for text in texts)
    return max(1.0, min(width / 8, 40.0, 20 * 0.9 * width / longest))


def _label(text: str, size: float, part: PixelArray) -> PixelArray:
    """The text in black on white, as wide as a part of the sheet and with its channels and depth."""
    image = Image.new("L", (part.shape[1], round(1.5 * size) + 1), 255)
    middle = (image.width / 2, image.height / 2)
    ImageDraw.Draw(image).text(middle, text, fill=0, font=ImageFont.load_default(size), anchor="mm")
    top = np.iinfo(part.dtype).max
    band = np.full((image.height, *part.shape[1:]), top, part.dtype)  # alpha is opaque
    colours = 1 if part.shape[2] < 3 else 3
    band[..., :colours] = np.asarray(image, part.dtype)[..., None] * (top // 255)
    return band


def _after(earlier: int, progress: Callable[[int], None]) -> Callable[[int], None]:
    return lambda rows: progress(earlier + rows)
