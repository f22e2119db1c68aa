"""Pictures of every kind that `ftn restore` reads, with metadata, written by other code than its own."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import png
import tifffile
from PIL import Image, ImageCms

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ORIENTATION, MAKER, EXPOSURE = 6, "a maker", (1, 250)


def exif(directories: bool = True) -> bytes:
    tags = Image.Exif()
    tags[0x0112], tags[0x010F] = ORIENTATION, MAKER
    if not directories:
        return tags.tobytes()
    tags.get_ifd(0x8769)[0x829A] = EXPOSURE[0] / EXPOSURE[1]
    tags.get_ifd(0x8825)[0x0001] = "N"
    return tags.tobytes()


def pixels(channels: int, dtype: type, height: int = 21, width: int = 34, seed: int = 0) -> np.ndarray:
    """Smooth colours with noise over the whole range, and alpha with transparent and opaque parts."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / max(height, width)
    planes = [0.5 + 0.3 * np.sin(5 * (a * y + b * x)) + 0.1 * rng.standard_normal(y.shape)
              for a, b in rng.normal(size=(channels, 2))]  # fmt: skip
    if channels in (2, 4):
        planes[-1] = np.where(x < 0.3, 0.0, np.where(x > 0.7, 1.0, planes[-1]))
    top = np.iinfo(dtype).max
    return (np.stack(planes, axis=-1).clip(0, 1) * top).round().astype(dtype)


def _pillow(format: str, **options: object) -> Callable[[Path, np.ndarray], None]:
    """Pillow's writer. It writes all directories of EXIF, but none to compressed TIFF."""

    def write(path: Path, array: np.ndarray) -> None:
        image = Image.fromarray(array.squeeze(2) if array.shape[2] == 1 else array)
        image.save(path, format, icc_profile=PROFILE, exif=exif("compression" not in options), **options)

    return write


def _bmp(path: Path, array: np.ndarray) -> None:
    Image.fromarray(array.squeeze(2) if array.shape[2] == 1 else array).save(path, "BMP", dpi=(300, 300))


def _png16(path: Path, array: np.ndarray) -> None:
    """A PNG of 16 bits, which Pillow cannot write: pixels from pypng, other chunks from Pillow."""
    height, width, channels = array.shape
    deep, shallow = io.BytesIO(), io.BytesIO()
    mode = {1: "L;16", 2: "LA;16", 3: "RGB;16", 4: "RGBA;16"}[channels]
    png.from_array(array.reshape(height, -1).tolist(), mode, {"width": width, "height": height}).write(deep)
    Image.new("L", (1, 1)).save(shallow, "PNG", icc_profile=PROFILE, exif=exif(), dpi=(300, 300))
    deep.seek(0), shallow.seek(0)
    header, *rest = png.Reader(file=deep).chunks()
    ancillary = [chunk for chunk in png.Reader(file=shallow).chunks() if chunk[0][:1].islower()]
    with path.open("wb") as file:
        png.write_chunks(file, [header, *ancillary, *rest])


def _tiff16(**options: object) -> Callable[[Path, np.ndarray], None]:
    """tifffile's writer. It writes all tags of EXIF but the exposure."""

    def write(path: Path, array: np.ndarray) -> None:
        channels = array.shape[2]
        if options.get("planarconfig") == "separate":
            array = np.ascontiguousarray(array.transpose(2, 0, 1))
        elif channels == 1:
            array = array.squeeze(2)
        tifffile.imwrite(
            path, array, photometric="rgb" if channels > 2 else "minisblack", iccprofile=PROFILE, resolution=(300, 300),
            extrasamples=["unassalpha"] if channels in (2, 4) else None, metadata=None,
            extratags=[
                (274, "H", 1, ORIENTATION, True), (271, "s", 0, MAKER, True), (315, 2, 0, "Jörg".encode(), True),
                (50714, 5, 2, (1, 3, 2, 7), True), (65000, 11, 2, (0.5, 2.5), True),
            ], **options,
        )  # fmt: skip

    return write


def _tiff16_with_exif(path: Path, array: np.ndarray) -> None:
    """Grey of 16 bits, which Pillow can write, with all directories of EXIF."""
    Image.fromarray(array.squeeze(2)).save(path, "TIFF", icc_profile=PROFILE, exif=exif())


Writer = Callable[[Path, np.ndarray], None]

# name: suffix, channels, depth, whether the format is lossless, writer
KINDS: dict[str, tuple[str, int, type, bool, Writer]] = {
    **{f"png-8-{n}": (".png", n, np.uint8, True, _pillow("PNG", dpi=(300, 300))) for n in (1, 2, 3, 4)},
    **{f"png-16-{n}": (".png", n, np.uint16, True, _png16) for n in (1, 2, 3, 4)},
    **{f"jpeg-{n}": (".jpg", n, np.uint8, False, _pillow("JPEG", quality=90, dpi=(300, 300))) for n in (1, 3)},
    "jpeg-progressive-444": (".jpg", 3, np.uint8, False, _pillow("JPEG", quality=99, subsampling=0, progressive=True)),
    **{f"webp-lossless-{n}": (".webp", n, np.uint8, True, _pillow("WEBP", lossless=True, exact=True)) for n in (3, 4)},
    **{f"webp-{n}": (".webp", n, np.uint8, False, _pillow("WEBP", quality=90)) for n in (3, 4)},
    **{f"bmp-{n}": (".bmp", n, np.uint8, True, _bmp) for n in (1, 3)},
    **{f"tiff-8-{n}": (".tif", n, np.uint8, True, _pillow("TIFF", dpi=(300, 300))) for n in (1, 3, 4)},
    **{
        f"tiff-8-{way}": (".tiff", 3, np.uint8, True, _pillow("TIFF", compression=way))
        for way in ("tiff_lzw", "tiff_adobe_deflate", "packbits")
    },
    **{f"tiff-16-{n}": (".tif", n, np.uint16, True, _tiff16()) for n in (1, 2, 3, 4)},
    "tiff-16-deflate": (".tif", 3, np.uint16, True, _tiff16(compression="zlib", predictor=True)),
    "tiff-16-planes": (".tif", 3, np.uint16, True, _tiff16(planarconfig="separate")),
    "tiff-16-big-endian": (".tif", 3, np.uint16, True, _tiff16(byteorder=">")),
    "tiff-16-grey-exif": (".tif", 1, np.uint16, True, _tiff16_with_exif),
}
