"""Every format and depth through the command, each pixel beside the library's call."""

import io
from pathlib import Path

import numpy as np
import png
import pytest
import tifffile
import torch
from pictures import EXPOSURE, KINDS, MAKER, ORIENTATION, PROFILE, pixels
from PIL import Image, JpegImagePlugin
from small_denoiser import DEJPEG, ENLARGED, small_denoiser

from ftn_core.data.task import DENOISING
from ftn_core.runtime.images import restore
from serving.files.level_argument import LevelArgument
from serving.files.restore import Restoration

SIGMA = 0.3


def stored(path: Path) -> np.ndarray:
    """``H x W x C`` as another reader than the command's gives it."""
    if path.suffix == ".png":
        width, height, rows, info = png.Reader(filename=str(path)).asDirect()
        array = np.array([list(row) for row in rows]).reshape(height, width, info["planes"])
        return array.astype(np.uint16 if info["bitdepth"] == 16 else np.uint8)
    if path.suffix.startswith(".tif"):
        with tifffile.TiffFile(path) as file:
            deep = file.pages[0].bitspersample == 16
            planes = file.pages[0].planarconfig == 2
            # Pillow rotates TIFF by its orientation
            array = file.asarray() if deep else np.rot90(np.asarray(Image.open(io.BytesIO(path.read_bytes()))))
            array = array.transpose(1, 2, 0) if deep and planes else array
    else:
        array = np.asarray(Image.open(path))
    return array if array.ndim == 3 else array[..., None]


def by_library(denoiser, array: np.ndarray) -> np.ndarray:
    """``restore`` of the whole picture at once, rounded; grey as three equal channels, alpha as it was."""
    top = np.iinfo(array.dtype).max
    colours = 1 if array.shape[2] < 3 else 3
    image = torch.from_numpy(array[..., :colours].astype(np.float32) / np.float32(top)).permute(2, 0, 1)[None]
    output = restore(denoiser.fold(denoiser.position(SIGMA)), image.expand(-1, 3, -1, -1))[0]
    output = output.mean(dim=0, keepdim=True) if colours == 1 else output
    restored = (output * top).round().permute(1, 2, 0).numpy().astype(array.dtype)
    return np.concatenate([restored, array[..., colours:]], axis=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder with a picture of each kind, and the denoiser; all restored by one call."""
    folder = tmp_path_factory.mktemp("formats")
    denoiser = small_denoiser(folder / "model.safetensors")
    for seed, (name, (suffix, channels, dtype, _, write)) in enumerate(KINDS.items()):
        write(folder / f"{name}{suffix}", pixels(channels, dtype, seed=seed))
    options = {
        "model": str(folder / "model.safetensors"),
        "level": LevelArgument.parse(f"{SIGMA}"),
        "out": folder / "out",
    }
    assert Restoration([str(folder)], **options).run() == 0
    return folder, denoiser


def files(run, name: str) -> tuple[Path, Path]:
    folder, _ = run
    source = folder / f"{name}{KINDS[name][0]}"
    return source, folder / "out" / source.name


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind[3]])
def test_lossless_pixels_are_those_of_the_library(run, name):
    source, target = files(run, name)
    before, after = stored(source), stored(target)
    np.testing.assert_array_equal(before, pixels(before.shape[2], before.dtype.type, seed=list(KINDS).index(name)))
    assert (after.dtype, after.shape) == (before.dtype, before.shape)
    np.testing.assert_array_equal(after, by_library(run[1], before))
    assert (after != before).any()


@pytest.mark.parametrize("name", [name for name in KINDS if name.startswith("jpeg")])
def test_jpeg_is_the_librarys_result_compressed_no_coarser_than_its_source(run, name):
    source, target = files(run, name)
    with Image.open(source) as old, Image.open(target) as new:
        assert all((np.array(new.quantization[i]) <= old.quantization[i]).all() for i in new.quantization)
        assert JpegImagePlugin.get_sampling(new) == JpegImagePlugin.get_sampling(old)
        assert new.info.get("progressive") == old.info.get("progressive")
        expected, file = by_library(run[1], stored(source)), io.BytesIO()
        Image.fromarray(expected.squeeze(2) if expected.shape[2] == 1 else expected).save(
            file, "JPEG", qtables=new.quantization, subsampling=JpegImagePlugin.get_sampling(old)
        )
        np.testing.assert_array_equal(np.asarray(new), np.asarray(Image.open(file)))
    finest = io.BytesIO()
    Image.fromarray(expected.squeeze(2) if expected.shape[2] == 1 else expected).save(finest, "JPEG", quality=95)
    with Image.open(finest) as fine, Image.open(target) as new:
        assert all((np.array(new.quantization[i]) <= fine.quantization[i]).all() for i in new.quantization)


@pytest.mark.parametrize("name", ["webp-3", "webp-4"])
def test_lossy_webp_is_the_librarys_result_at_quality_95(run, name):
    source, target = files(run, name)
    file = io.BytesIO()
    Image.fromarray(by_library(run[1], stored(source))).save(file, "WEBP", quality=95, exact=True)
    np.testing.assert_array_equal(stored(target), np.asarray(Image.open(file)))


@pytest.mark.parametrize("name", KINDS)
def test_profile_and_exif_are_kept(run, name):
    source, target = files(run, name)
    if name in ("tiff-16-2",):  # Pillow cannot open it
        with tifffile.TiffFile(target) as file:
            tags = file.pages[0].tags
            assert (tags[274].value, tags[271].value, tags[34675].value) == (ORIENTATION, MAKER, PROFILE)
        return
    with Image.open(source) as old, Image.open(target) as new:
        assert new.format == old.format
        if name.startswith("bmp"):  # which has neither, as it is written
            assert new.info["dpi"] == pytest.approx((300, 300), rel=1e-3)
            return
        assert new.info["icc_profile"] == PROFILE
        exif = new.getexif()
        assert exif[0x0112] == ORIENTATION and exif[0x010F] == MAKER
        if 0x8769 in old.getexif():
            assert float(exif.get_ifd(0x8769)[0x829A]) == pytest.approx(EXPOSURE[0] / EXPOSURE[1])
            assert exif.get_ifd(0x8825)[0x0001] == "N"
        else:
            assert name.startswith("tiff") and name not in ("tiff-8-1", "tiff-8-3", "tiff-8-4", "tiff-16-grey-exif")
        if old.info.get("dpi", (1, 1)) != (1, 1):  # which stands for none
            assert new.info["dpi"] == pytest.approx(old.info["dpi"], rel=1e-3)


@pytest.mark.parametrize("name", [name for name in KINDS if name.startswith("png")])
def test_every_ancillary_chunk_of_png_is_kept(run, name):
    source, target = files(run, name)
    old, new = ([chunk for chunk in png.Reader(filename=str(p)).chunks() if chunk[0][:1].islower()]
                for p in (source, target))  # fmt: skip
    assert old and new == old


@pytest.mark.parametrize("name", [name for name in KINDS if name.startswith("tiff-16") and "exif" not in name])
def test_tags_of_tiff_are_kept_whatever_they_mean(run, name):
    read = []
    for path in files(run, name):
        with tifffile.TiffFile(path) as file:
            read.append({code: file.pages[0].tags[code].astuple() for code in (282, 315, 50714, 65000)})
    assert read[0] == read[1] and read[0][315][3] == "Jörg\0".encode()


@pytest.mark.parametrize(
    ("task", "levels", "nothing"),
    [(DENOISING, (0.2, 0.5), "0"), (DEJPEG, (40, 10), "100"), (ENLARGED, (2, 4), "1")],
    ids=["noise", "jpeg", "downscaling"],
)
def test_with_nothing_to_do_every_pixel_stays(tmp_path, task, levels, nothing):
    small_denoiser(tmp_path / "model.safetensors", task, levels)
    lossless = {name: kind for name, kind in KINDS.items() if kind[3]}
    for name, (suffix, channels, dtype, _, write) in lossless.items():
        write(tmp_path / f"{name}{suffix}", pixels(channels, dtype))
    options = {"model": str(tmp_path / "model.safetensors"), "level": LevelArgument.parse(nothing)}
    assert Restoration([str(tmp_path / f"{name}{kind[0]}") for name, kind in lossless.items()], **options).run() == 0
    for name, (suffix, channels, dtype, _, _) in lossless.items():
        np.testing.assert_array_equal(stored(tmp_path / f"{name}.restored{suffix}"), pixels(channels, dtype))
