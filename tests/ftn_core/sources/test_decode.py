import contextlib
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from ftn_core.sources import decode as module
from ftn_core.sources.decode import Unusable, decode

LIMITS = {"min_side": 16, "max_pixels": 1_000_000}
SMOOTH = np.kron(np.random.default_rng(0).integers(0, 256, (6, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)
NOISE = np.random.default_rng(1).integers(0, 256, (48, 64, 3)).astype(np.uint8)


def save(tmp_path, image, name, **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


def planar(image):
    return np.asarray(image.convert("RGB")).transpose(2, 0, 1)


def png(path, samples, colour_type, extra=b""):
    """A PNG of uint8 or uint16 samples, H x W x C, of kinds that Pillow does not write."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = samples.shape[:2]
    depth = 8 * samples.dtype.itemsize
    rows = b"".join(b"\0" + row.astype(samples.dtype.newbyteorder(">")).tobytes() for row in samples)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return path


def colour_key(*values):
    data = struct.pack(f">{len(values)}H", *values)
    return struct.pack(">I", len(data)) + b"tRNS" + data + struct.pack(">I", zlib.crc32(b"tRNS" + data))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {}),
        ("a.bmp", {}),
        ("a.tif", {}),
        ("a.tif", {"compression": "tiff_lzw"}),
        ("a.webp", {"lossless": True}),
    ],
)
def test_lossless_formats_are_exact(tmp_path, name, options):
    pixels = decode(save(tmp_path, Image.fromarray(NOISE), name, **options), **LIMITS)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, NOISE.transpose(2, 0, 1))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0, "quality": 98}])
@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_lossy_formats_agree_with_pillow(tmp_path, name, options):
    options = options if name == "a.jpg" else {}
    path = save(tmp_path, Image.fromarray(SMOOTH), name, **options)
    difference = decode(path, **LIMITS).astype(int) - planar(Image.open(path))
    assert np.abs(difference).max() <= 2


@pytest.mark.parametrize("mode", ["L", "1", "P"])
@pytest.mark.parametrize("name", ["a.png", "a.gif", "a.tif", "a.bmp"])
def test_grey_bilevel_and_palette(tmp_path, name, mode):
    path = save(tmp_path, Image.fromarray(NOISE).convert(mode), name)
    np.testing.assert_array_equal(decode(path, **LIMITS), planar(Image.open(path)))


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.fromarray(np.full((32, 32, 3), value, np.uint8)) for value in (40, 200)]
    for name in ("a.gif", "a.webp"):
        path = save(tmp_path, frames[0], name, save_all=True, append_images=frames[1:])
        assert Image.open(path).n_frames == 2
        assert np.abs(decode(path, **LIMITS).astype(int) - 40).max() <= 2


@pytest.mark.parametrize("adobe", [True, False])
def test_cmyk_jpeg(tmp_path, adobe):
    path = save(tmp_path, Image.fromarray(SMOOTH).convert("CMYK"), "a.jpg", quality=98)
    data = path.read_bytes()
    marker = data.index(b"Adobe") - 4
    if not adobe:
        path.write_bytes(data[:marker] + data[marker + 16 :])
    pixels = decode(path, **LIMITS).astype(int)
    assert np.abs(pixels - planar(Image.open(path))).max() <= 2
    # an inverted image would be off by much more
    assert np.abs(pixels - SMOOTH.transpose(2, 0, 1)).mean() < 6


@pytest.mark.parametrize(("channels", "colour_type"), [(1, 0), (3, 2)])
def test_sixteen_bits_are_rounded(tmp_path, channels, colour_type):
    ramp = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64, 1).repeat(channels, 2)
    path = png(tmp_path / "a.png", ramp, colour_type)
    expected = np.broadcast_to(np.round(ramp / 257), (64, 64, 3)).transpose(2, 0, 1)
    np.testing.assert_array_equal(decode(path, **LIMITS), expected)


def test_sixteen_bit_grey_tiff(tmp_path):
    ramp = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    path = save(tmp_path, Image.fromarray(ramp), "a.tif")
    np.testing.assert_array_equal(decode(path, **LIMITS), np.round(ramp / 257)[None].repeat(3, 0))


def on_white(rgba):
    alpha = rgba[..., 3:] / 255
    return (rgba[..., :3] * alpha + 255 * (1 - alpha)).transpose(2, 0, 1)


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif"])
def test_alpha_is_composited_onto_white(tmp_path, name):
    rgba = np.dstack([NOISE, NOISE[..., 0][::-1]])
    rgba[:10, :, 3] = 0
    options = {"lossless": True, "exact": True} if name == "a.webp" else {}
    pixels = decode(save(tmp_path, Image.fromarray(rgba), name, **options), **LIMITS)
    assert np.abs(pixels - on_white(rgba)).max() <= 0.51
    assert (pixels[:, :10] == 255).all()


def test_sixteen_bit_alpha(tmp_path):
    rgba = np.random.default_rng(2).integers(0, 65536, (32, 32, 4)).astype(np.uint16)
    pixels = decode(png(tmp_path / "a.png", rgba, 6), **LIMITS)
    assert np.abs(pixels - on_white(rgba / 257.0)).max() <= 1.5


def test_grey_with_alpha(tmp_path):
    grey = Image.fromarray(NOISE[..., 0])
    path = save(tmp_path, Image.merge("LA", (grey, grey)), "a.png")
    assert np.abs(decode(path, **LIMITS) - on_white(np.asarray(Image.open(path).convert("RGBA")))).max() <= 0.51


@pytest.mark.parametrize("name", ["a.png", "a.gif"])
def test_palette_with_transparency(tmp_path, name):
    path = save(tmp_path, Image.fromarray(NOISE).convert("P"), name, transparency=NOISE_INDEX)
    rgba = np.asarray(Image.open(path).convert("RGBA"))
    assert (rgba[..., 3] == 0).any()
    np.testing.assert_array_equal(decode(path, **LIMITS), on_white(rgba))


NOISE_INDEX = int(np.asarray(Image.fromarray(NOISE).convert("P"))[0, 0])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_transparent_colour_of_a_png(tmp_path, dtype):
    pixels = np.full((32, 32, 3), np.iinfo(dtype).max // 255 * 7, dtype)
    pixels[:4] = pixels[:4] // 7 * 9
    key = [int(value) for value in pixels[0, 0]]
    decoded = decode(png(tmp_path / "a.png", pixels, 2, colour_key(*key)), **LIMITS)
    assert (decoded[:, :4] == 255).all()
    assert (decoded[:, 4:] == 7).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
def test_exif_orientation(tmp_path, name, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if name == "a.webp" else {}
    path = save(tmp_path, Image.fromarray(SMOOTH), name, exif=exif, **options)
    with Image.open(path) as image:
        expected = planar(ImageOps.exif_transpose(image))
    assert expected.shape == ((3, 48, 64) if orientation < 5 else (3, 64, 48))
    assert np.abs(decode(path, **LIMITS).astype(int) - expected).max() <= 2


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp"])
def test_exif_that_cannot_be_read_spoils_no_picture(tmp_path, name):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8))
    picture.save(tmp_path / name, exif=b"Exif\0\0no directory")
    assert decode(tmp_path / name, min_side=1, max_pixels=10_000).shape == (3, 40, 50)


@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.97])
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.gif", "a.tif", "a.bmp"])
def test_truncated_files_are_refused(tmp_path, name, kept):
    path = save(tmp_path, Image.fromarray(NOISE), name)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(Unusable) as caught:
        decode(path, **LIMITS)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
def test_damage_never_escapes_as_another_exception(tmp_path, name):
    path = save(tmp_path, Image.fromarray(NOISE), name)
    data = path.read_bytes()
    random = np.random.default_rng(3)
    for _ in range(40):
        damaged = bytearray(data)
        for position in random.integers(0, len(data), 4):
            damaged[position] = random.integers(256)
        path.write_bytes(damaged)
        with contextlib.suppress(Unusable):
            assert len(decode(path, **LIMITS)) == 3


def test_files_that_are_no_images(tmp_path):
    text = tmp_path / "a.jpg"
    text.write_text("<html>not found</html>")
    for path in (text, tmp_path / "missing.png", tmp_path):
        with pytest.raises(Unusable, match="not a readable image"):
            decode(path, **LIMITS)


def test_float_tiff_is_refused(tmp_path):
    path = save(tmp_path, Image.fromarray(np.ones((32, 32), np.float32)), "a.tif")
    with pytest.raises(Unusable, match="floating point"):
        decode(path, **LIMITS)


def test_tiny_images_are_refused_at_the_limit(tmp_path):
    path = save(tmp_path, Image.fromarray(NOISE), "a.png")
    assert decode(path, min_side=48, max_pixels=10_000).shape == (3, 48, 64)
    with pytest.raises(Unusable, match="64 x 48 pixels: a side is shorter than 49"):
        decode(path, min_side=49, max_pixels=10_000)


def test_enormous_images_are_refused_before_decoding(tmp_path, monkeypatch):
    def refuse(*_arguments, **_options):
        raise AssertionError("decoded")

    monkeypatch.setattr(module, "decode_image", refuse)
    monkeypatch.setattr(Image.Image, "load", refuse)
    bomb = png(tmp_path / "a.png", np.zeros((1, 1, 3), np.uint8), 2)
    data = bytearray(bomb.read_bytes())
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    bomb.write_bytes(data)
    with pytest.raises(Unusable, match="60000 x 60000 pixels: more than 1000000"):
        decode(bomb, **LIMITS)
