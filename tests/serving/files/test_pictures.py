"""What is read, what is refused, and that nothing half-read passes for a picture."""

import struct

import numpy as np
import png
import pytest
import tifffile
from full_disk import full_disk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import KINDS, pixels
from PIL import Image, ImageOps, PngImagePlugin

from ftn_core.utils.errors import FULL, UserError
from serving.files.pictures import Picture, read_picture, write_picture


def test_palettes_and_single_bits_become_eight_bits(tmp_path):
    Image.fromarray(pixels(3, np.uint8)).quantize(16).save(tmp_path / "p.png")
    assert read_picture(tmp_path / "p.png").pixels.shape == (21, 34, 3)
    Image.fromarray(pixels(1, np.uint8).squeeze(2)).convert("1").save(tmp_path / "1.tif")
    bits = read_picture(tmp_path / "1.tif").pixels
    assert bits.dtype == np.uint8 and set(np.unique(bits)) == {0, 255}


def test_a_transparent_colour_becomes_an_alpha_channel(tmp_path):
    array = np.zeros((8, 8, 3), np.uint8)
    array[2:4] = 9
    Image.fromarray(array).save(tmp_path / "keyed.png", transparency=(9, 9, 9))
    picture = read_picture(tmp_path / "keyed.png")
    assert picture.has_alpha and (picture.pixels[2:4, :, 3] == 0).all() and (picture.pixels[4:, :, 3] == 255).all()
    write_picture(picture, picture.pixels, tmp_path / "again.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "again.png")), picture.pixels)


def test_grey_where_0_is_white_is_read_as_it_looks(tmp_path):
    array = pixels(1, np.uint16)
    tifffile.imwrite(tmp_path / "w.tif", 65535 - array.squeeze(2), photometric="miniswhite")
    np.testing.assert_array_equal(read_picture(tmp_path / "w.tif").pixels, array)


def test_text_and_gamma_of_png_are_kept(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "grüße")
    info.add(b"gAMA", (45455).to_bytes(4, "big"))
    Image.fromarray(pixels(3, np.uint8)).save(tmp_path / "t.png", pnginfo=info)
    picture = read_picture(tmp_path / "t.png")
    write_picture(picture, picture.pixels, tmp_path / "u.png")
    with Image.open(tmp_path / "u.png") as image:
        assert image.info["Comment"] == "grüße" and image.info["gamma"] == 0.45455


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix, channels", [(".png", 3), (".jpg", 3), (".webp", 3), (".tif", 3), (".tif", 4)])
def test_pixels_stay_as_they_are_stored_and_the_tag_says_how_they_are_seen(tmp_path, suffix, channels, orientation):
    source, target = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels(channels, np.uint8)).save(source, exif=exif.tobytes(), quality=100, lossless=True)
    picture = read_picture(source)
    assert picture.pixels.shape == (21, 34, channels) and picture.orientation == orientation
    write_picture(picture, picture.pixels, target)
    if suffix != ".jpg":
        np.testing.assert_array_equal(picture.pixels, pixels(channels, np.uint8))
    with source.open("rb") as a, target.open("rb") as b, Image.open(a) as old, Image.open(b) as new:
        seen = [np.asarray(ImageOps.exif_transpose(image), float) for image in (old, new)]
    assert np.abs(seen[0] - seen[1]).mean() <= (3 if suffix == ".jpg" else 0)


def test_of_a_phones_jpeg_the_first_picture_is_taken(tmp_path):
    rgb = Image.fromarray(pixels(3, np.uint8))
    rgb.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[rgb.rotate(180)])
    picture = read_picture(tmp_path / "a.jpg")
    assert picture.format == "JPEG"
    write_picture(picture, picture.pixels, tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.format == "JPEG"


def test_exif_that_cannot_be_read_is_copied(tmp_path):
    for suffix in (".png", ".webp", ".jpg"):
        source, target = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
        Image.fromarray(pixels(3, np.uint8)).save(source, exif=b"Exif\0\0" + b"MM\0*nothing", lossless=True)
        picture = read_picture(source)
        assert picture.orientation == 1
        write_picture(picture, picture.pixels, target)
        with Image.open(source) as old, Image.open(target) as new:
            assert new.info["exif"] == old.info["exif"] != b""


def test_exif_of_several_segments_is_kept(tmp_path):
    tags = Image.Exif()
    tags[0x0112] = 6
    tags.get_ifd(0x8769)[0x927C] = bytes(range(256)) * 600  # a maker's note
    picture = Picture(pixels(3, np.uint8), "JPEG", 6, {"exif": tags.tobytes()})
    write_picture(picture, picture.pixels, tmp_path / "a.jpg")
    again = read_picture(tmp_path / "a.jpg")
    assert again.orientation == 6
    write_picture(again, again.pixels, tmp_path / "b.jpg")
    for name in ("a.jpg", "b.jpg"):
        with Image.open(tmp_path / name) as image:
            assert image.getexif().get_ifd(0x8769)[0x927C] == bytes(range(256)) * 600


def _bmp(alpha=0, colours=b"BGRs"):
    """8 x 8 pixels under a header of version 5, which Pillow cannot write."""
    masks = 0xFF0000, 0xFF00, 0xFF, alpha
    header = struct.pack("<IiiHHIIiiII4I4s64x", 124, 8, 8, 1, 32, 3, 256, 0, 0, 0, 0, *masks, colours)
    return struct.pack("<2sIII", b"BM", 14 + 124 + 256, 0, 14 + 124) + header + bytes(range(256))


def test_a_bmp_of_32_bits_without_alpha_is_read(tmp_path):
    (tmp_path / "a.bmp").write_bytes(_bmp())
    picture = read_picture(tmp_path / "a.bmp")
    assert picture.pixels[-1, 0].tolist() == [2, 1, 0] and picture.format == "BMP"


def _refused():
    rgb = Image.fromarray(pixels(3, np.uint8))
    yield "CMYK", "a.jpg", lambda path: rgb.convert("CMYK").save(path)
    yield "animation", "a.png", lambda path: rgb.save(path, save_all=True, append_images=[rgb.rotate(90)])
    yield "animation", "a.webp", lambda path: rgb.save(path, save_all=True, append_images=[rgb.rotate(180)])
    yield "BMP with alpha", "a.bmp", lambda path: path.write_bytes(_bmp(alpha=0xFF000000))
    yield "BMP with alpha or a colour profile", "a.bmp", lambda path: path.write_bytes(_bmp(colours=b"DEBM"))
    yield "2 pages", "a.tif", lambda path: rgb.save(path, save_all=True, append_images=[rgb])
    yield "floating point", "a.tif", lambda path: Image.fromarray(np.zeros((8, 8), np.float32)).save(path)
    yield (
        "convert it",
        "a.tif",
        lambda path: tifffile.imwrite(path, np.zeros((8, 8, 4), np.uint16), photometric="separated"),
    )
    yield "no PNG, JPEG, TIFF, WebP or BMP", "a.png", lambda path: rgb.save(path, "GIF")
    yield "no PNG, JPEG, TIFF, WebP or BMP", "a.png", lambda path: path.write_bytes(b"")
    yield (
        "alpha channel first",
        "a.png",
        lambda path: png.from_array([[7] * 8] * 8, "L;16", {"width": 8, "height": 8, "transparent": 7}).save(path),
    )


@pytest.mark.parametrize("words, name, make", list(_refused()))
def test_what_cannot_be_restored_is_refused_in_words(tmp_path, words, name, make):
    make(tmp_path / name)
    with pytest.raises(UserError, match=words):
        read_picture(tmp_path / name)


def test_what_memory_cannot_hold_is_refused_by_its_header(tmp_path):
    """A PNG of 360 gigapixels, of which no pixel is there."""
    Image.new("L", (1, 1)).save(tmp_path / "a.png")
    (kind, header), *rest = png.Reader(filename=str(tmp_path / "a.png")).chunks()
    with (tmp_path / "b.png").open("wb") as file:
        png.write_chunks(file, [(kind, (600_000).to_bytes(4, "big") * 2 + header[8:]), *rest])
    with pytest.raises(UserError, match="600000 x 600000 pixels need"):
        read_picture(tmp_path / "b.png")


@pytest.mark.parametrize("format, side", [("JPEG", 65536), ("WEBP", 16384)])
def test_more_than_a_format_holds_is_refused_in_words(tmp_path, format, side):
    with pytest.raises(UserError, match=f"{side} x 1 pixels: {format} holds"):
        write_picture(Picture(np.zeros((1, 1, 3), np.uint8), format), np.zeros((1, side, 3), np.uint8), tmp_path / "a")


@pytest.mark.parametrize("name", KINDS)
def test_a_file_that_ends_early_is_an_error(tmp_path, name):
    suffix, channels, dtype, _, write = KINDS[name]
    write(tmp_path / f"a{suffix}", pixels(channels, dtype))
    data = (tmp_path / f"a{suffix}").read_bytes()
    for share in (0.1, 0.5, 0.8):
        (tmp_path / f"b{suffix}").write_bytes(data[: int(share * len(data))])
        with pytest.raises(Exception):  # noqa: B017 - whatever decoders raise
            read_picture(tmp_path / f"b{suffix}")


@pytest.mark.parametrize("name", [name for name in KINDS if name.startswith("png")])
def test_any_flipped_bit_of_a_png_is_an_error(tmp_path, name):
    _, channels, dtype, _, write = KINDS[name]
    write(tmp_path / "a.png", pixels(channels, dtype, 5, 6))
    data = bytearray((tmp_path / "a.png").read_bytes())
    for place in range(8, len(data), 37):
        data[place] ^= 4
        (tmp_path / "b.png").write_bytes(data)
        data[place] ^= 4
        with pytest.raises(Exception):  # noqa: B017
            read_picture(tmp_path / "b.png")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["png-8-{}", "png-16-{}", "tiff-16-{}"]), st.integers(1, 4), st.integers(1, 40), st.integers(1, 40),
    st.integers(0, 100),
)  # fmt: skip
def test_any_shape_comes_back_from_a_file(tmp_path, kind, channels, height, width, seed):
    suffix, channels, dtype, _, write = KINDS[kind.format(channels)]
    array = pixels(channels, dtype, height, width, seed)
    write(tmp_path / f"a{suffix}", array)
    picture = read_picture(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(picture.pixels, array)
    write_picture(picture, picture.pixels, tmp_path / f"b{suffix}")
    again = read_picture(tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(again.pixels, array)
    assert again.pixels.dtype == array.dtype and again.orientation == picture.orientation == 6


@pytest.mark.parametrize("kind", ["png-8-3", "tiff-16-3", "tiff-8-tiff_lzw"])
def test_a_full_disk_is_not_blamed_on_the_picture(tmp_path, kind):
    suffix, channels, depth, _, write = KINDS[kind]
    write(tmp_path / f"a{suffix}", pixels(channels, depth, 60, 70))
    picture = read_picture(tmp_path / f"a{suffix}")
    with full_disk(), pytest.raises(OSError) as caught:
        write_picture(picture, picture.pixels, tmp_path / "out")
    assert caught.value.errno in FULL
