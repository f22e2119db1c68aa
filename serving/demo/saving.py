"""The whole picture at full resolution, as a file to download."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from ftn_core.runtime.images import restore, to_image
from ftn_core.utils.errors import UserError
from ftn_core.utils.levels import level_name
from serving.demo.answer import Answers, to_uint8
from serving.demo.pictures import MAX_PIXELS
from serving.demo.setting import Setting
from serving.files.bands import restore_in_bands
from serving.files.pictures import Picture, read_picture, write_picture

_SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "TIFF": ".tif", "WEBP": ".webp", "BMP": ".bmp"}


def save(answers: Answers, setting: Setting, target: Path, progress: Callable[[float], None]) -> str:
    """Restore with the first model and write the file. Returns the name that it is to have at the user's.

    A picture as it was uploaded is restored as ``ftn restore`` does it: in its own format and depth, with its metadata.
    What that does not write, and what was degraded here, becomes a PNG of 8 bits.

    Args:
        progress: called with the share that is done.
    """
    picture, given = answers.given(setting)
    denoiser = answers.denoisers(setting.models[0])
    network = denoiser.at(setting.level)
    if given.dtype != "uint8":  # noise that goes beyond 0 and 255 is not rounded before it is removed
        Image.fromarray(to_uint8(restore(network, to_image(given)))).save(target, "PNG")
        return _name(picture.name, setting.level, denoiser.quantity.name, "PNG")
    source = Picture(given.transpose(1, 2, 0), "PNG", kept={"chunks": []})
    if given is picture.pixels:  # not degraded here
        with contextlib.suppress(UserError):
            source = read_picture(picture.path, MAX_PIXELS)
    height = len(source.pixels)
    write_picture(source, restore_in_bands(network, source, lambda rows: progress(rows / height)), target)
    return _name(picture.name, setting.level, denoiser.quantity.name, source.format)


def _name(name: str, level: float, quantity: str, format: str) -> str:
    return f"{Path(name).stem}-restored-{quantity}-{level_name(level)}{_SUFFIXES[format]}"
