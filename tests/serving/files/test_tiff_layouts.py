"""A ramp in every layout of TIFF: training, the page and the command see the same picture, or refuse it by name."""

import itertools

import numpy as np
import pytest
import tifffile
from PIL import Image

from ftn_core.sources.decode import Unusable, decode
from ftn_core.utils.errors import UserError
from serving.files.pictures import read_picture, write_picture

LAYOUTS = [
    (channels, dtype, planes, tile, order, compression, white)
    for channels, dtype, planes, tile, order, compression, white in itertools.product(
        (1, 2, 3, 4), (np.uint8, np.uint16), (False, True), (None, (16, 32)), "<>", (None, "zlib"), (False, True)
    )
    if not (channels == 1 and planes) and not (channels > 2 and white)
]


def ramp(channels: int, dtype: type) -> np.ndarray:
    """``40 x 48 x C`` with another slope in each channel, over the whole range."""
    y, x = np.mgrid[:40, :48]
    slopes = [x * 48 + y, y * 40 + x, 1919 - x * 40 - y, x * 20 + y * 24]
    top = np.iinfo(dtype).max
    return np.stack([slope / slope.max() * top for slope in slopes[:channels]], axis=-1).round().astype(dtype)


def write_tiff(path, array, planes=False, white=False, **options):
    channels, top = array.shape[2], np.iinfo(array.dtype).max
    if white:
        array = np.concatenate([top - array[..., :1], array[..., 1:]], axis=2)
    array = np.ascontiguousarray(array.transpose(2, 0, 1)) if planes else array.squeeze(2) if channels == 1 else array
    options = {"extrasamples": ["unassalpha"] if channels in (2, 4) else None} | options
    tifffile.imwrite(
        path, array, photometric="rgb" if channels > 2 else "miniswhite" if white else "minisblack",
        planarconfig=None if channels == 1 else "separate" if planes else "contig", metadata=None, **options,
    )  # fmt: skip


def seen(array: np.ndarray, premultiplied: bool = False) -> np.ndarray:
    """What training and the page see: 8 bits, RGB, on white, ``3 x H x W``."""
    channels = array.shape[2]
    unit = np.round(array / np.iinfo(array.dtype).max * 255) / 255
    colours, alpha = unit[..., : 1 if channels < 3 else 3], unit[..., -1:] if channels in (2, 4) else 1
    mixed = (colours if premultiplied else colours * alpha) + 1 - alpha
    return np.broadcast_to(mixed.clip(0, 1) * 255, (*array.shape[:2], 3)).transpose(2, 0, 1)


def check(path, array, premultiplied=False):
    picture = read_picture(path)
    np.testing.assert_array_equal(picture.pixels, array)
    write_picture(picture, picture.pixels, path.with_name("again.tif"))
    again = read_picture(path.with_name("again.tif"))
    np.testing.assert_array_equal(again.pixels, array)
    for file in (path, path.with_name("again.tif")):
        found = decode(file, min_side=1, max_pixels=10_000)
        assert np.abs(found - seen(array, premultiplied)).max() <= 0.51


@pytest.mark.parametrize("channels, dtype, planes, tile, order, compression, white", LAYOUTS)
def test_every_layout_is_seen_alike(tmp_path, channels, dtype, planes, tile, order, compression, white):
    array = ramp(channels, dtype)
    options = {"tile": tile, "byteorder": order, "compression": compression, "predictor": bool(compression)}
    write_tiff(tmp_path / "a.tif", array, planes, white, **options)
    check(tmp_path / "a.tif", array)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("big", [False, True])
def test_colours_multiplied_by_alpha_stay_so(tmp_path, dtype, big):
    array = ramp(4, dtype)
    array[..., :3] = np.minimum(array[..., :3], array[..., 3:])
    write_tiff(tmp_path / "a.tif", array, extrasamples=["assocalpha"], bigtiff=big)
    check(tmp_path / "a.tif", array, premultiplied=True)


@pytest.mark.parametrize("way", ["tiff_lzw", "packbits", "tiff_deflate", "tiff_adobe_deflate"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_compressions_of_other_writers(tmp_path, way, mode):
    array = ramp({"L": 1, "RGB": 3, "RGBA": 4}[mode], np.uint8)
    Image.fromarray(array.squeeze(2) if mode == "L" else array).save(tmp_path / "a.tif", compression=way)
    check(tmp_path / "a.tif", array)


def test_jpeg_within_tiff_palettes_and_single_bits(tmp_path):
    image = Image.fromarray(ramp(3, np.uint8))
    image.save(tmp_path / "jpeg.tif", compression="jpeg", quality=100)
    image.quantize(16).save(tmp_path / "palette.tif")
    image.convert("1").save(tmp_path / "bits.tif", compression="group4")
    for name in ("jpeg.tif", "palette.tif", "bits.tif"):
        expected = np.asarray(Image.open(tmp_path / name).convert("RGB"))
        np.testing.assert_array_equal(
            decode(tmp_path / name, min_side=1, max_pixels=10_000), expected.transpose(2, 0, 1)
        )
        np.testing.assert_array_equal(np.broadcast_to(read_picture(tmp_path / name).pixels, expected.shape), expected)


@pytest.mark.parametrize("tag", [257, 278, 279])
def test_pixels_that_are_missing_are_not_taken_for_black(tmp_path, tag):
    """More rows than strips, fewer rows a strip, a strip of no bytes."""
    write_tiff(tmp_path / "a.tif", ramp(3, np.uint8), rowsperstrip=8, compression="zlib")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        old = file.pages[0].tags[tag].value
        file.pages[0].tags[tag].overwrite({257: 400, 278: 4, 279: (*old[:-1], 0) if tag == 279 else 0}[tag])
    with pytest.raises(UserError, match="some of its pixels are missing"):
        read_picture(tmp_path / "a.tif")


def _refused():
    grey, rgb = ramp(1, np.uint16).squeeze(2), ramp(3, np.uint16)
    many = ramp(4, np.uint8)[..., [0, 1, 2, 3, 0]]
    simple = {"photometric": "minisblack", "metadata": None}
    coloured = {"photometric": "rgb", "metadata": None, "planarconfig": "contig"}
    yield "signed integers", lambda file: file.write(grey.astype(np.int16), **simple)
    yield "signed integers", lambda file: file.write(ramp(3, np.uint8).astype(np.int8), **coloured)
    yield "floating point", lambda file: file.write(grey.astype(np.float32), **simple)
    yield "floating point", lambda file: file.write((rgb / 65535).astype(np.float16), **coloured)
    yield "32 bits a sample", lambda file: file.write(grey.astype(np.uint32), **simple)
    yield "4 samples of SEPARATED", lambda file: file.write(ramp(4, np.uint8), photometric="separated", metadata=None)
    yield "1 samples beside RGB", lambda file: file.write(many[..., :4], extrasamples=["unspecified"], **coloured)
    yield "2 samples beside RGB", lambda file: file.write(many, extrasamples=["unassalpha", 0], **coloured)
    yield (
        "1 samples beside MINISBLACK",
        lambda file: file.write(many[..., :2], extrasamples=["unspecified"], planarconfig="contig", **simple),
    )
    yield "2 pages", lambda file: [file.write(grey, **simple) for _ in range(2)]
    yield (
        "several pictures in one, as in DNG",
        lambda file: [
            file.write(grey[:20], subifds=1, subfiletype=1, **simple),
            file.write(grey, **simple),
        ],
    )
    yield (
        "several pictures in one, as in DNG",
        lambda file: file.write(rgb, extratags=[(50706, "B", 4, (1, 4, 0, 0), True)], **coloured),
    )


@pytest.mark.parametrize("words, write", list(_refused()))
def test_what_would_be_read_wrong_or_in_part_is_refused_by_name(tmp_path, words, write):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        write(file)
    with pytest.raises(UserError, match=words):
        read_picture(tmp_path / "a.tif")
    with pytest.raises(Unusable, match=words):
        decode(tmp_path / "a.tif", min_side=1, max_pixels=10_000)
