import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import pixels
from PIL import Image, ImageOps
from small_denoiser import small_denoiser

from ftn_core.runtime.images import restore
from serving.files.bands import pixels_to_tensor, restore_in_bands
from serving.files.contact_sheet import STOPS, contact_sheet
from serving.files.pictures import Picture


@pytest.fixture(scope="module")
def denoiser(tmp_path_factory):
    return small_denoiser(tmp_path_factory.mktemp("bands") / "d.safetensors")


def by_library(network, array):
    """The whole picture at once."""
    top = np.iinfo(array.dtype).max
    output = restore(network, pixels_to_tensor(array))[0]
    output = output.mean(dim=0, keepdim=True) if array.shape[2] < 3 else output
    colours = (output * top).round().permute(1, 2, 0).numpy().astype(array.dtype)
    return np.concatenate([colours, array[..., colours.shape[2] :]], axis=2)


def test_bands_give_the_bits_of_the_whole_picture(denoiser):
    """Three bands, and two windows in each."""
    network = denoiser.fold(0.5)
    picture = Picture(np.random.default_rng(0).integers(0, 65536, (2301, 1153, 3), np.uint16), "TIFF")
    rows = []
    np.testing.assert_array_equal(restore_in_bands(network, picture, rows.append), by_library(network, picture.pixels))
    assert len(rows) == 3 and rows == sorted(rows) and rows[-1] == 2301


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 4), st.sampled_from([np.uint8, np.uint16]), st.integers(1, 70), st.integers(1, 70), st.floats(0, 1)
)
def test_any_shape_and_depth_is_what_the_library_gives(denoiser, channels, dtype, height, width, position):
    network = denoiser.fold(position)
    picture = Picture(pixels(channels, dtype, height, width), "PNG")
    before = picture.pixels.copy()
    after = restore_in_bands(network, picture)
    np.testing.assert_array_equal(after, by_library(network, before))
    np.testing.assert_array_equal(picture.pixels, before)


def test_grey_is_three_equal_channels(denoiser):
    image = pixels_to_tensor(pixels(2, np.uint16))
    assert image.shape == (1, 3, 21, 34) and (image[:, 0] == image[:, 2]).all()
    torch.testing.assert_close(image[0, 1] * 65535, torch.from_numpy(pixels(2, np.uint16)[..., 0].astype(np.float32)))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_contact_sheet_goes_from_left_to_right_in_a_viewer(denoiser, orientation):
    picture = Picture(pixels(3, np.uint8, 42, 68), "PNG", orientation)
    exif = Image.Exif()
    exif[0x0112] = orientation

    def seen(array):
        image = Image.fromarray(array)
        image.info["exif"] = exif.tobytes()
        return np.asarray(ImageOps.exif_transpose(image))

    sheet = seen(contact_sheet(denoiser, picture))
    height = seen(picture.pixels).shape[0]
    labels, sheet = sheet[:-height], sheet[-height:]
    assert (labels[[0, -1]] == 255).all()
    for part in np.split(labels, STOPS + 1, axis=1):  # each has a text, and room on both sides of it
        assert part.min() < 128 and (part[:, [0, -1]] > 128).all()
    parts = np.split(sheet, STOPS + 1, axis=1)
    expected = [picture.pixels] + [by_library(denoiser.fold(x), picture.pixels) for x in (-0.6, -0.2, 0.2, 0.6, 1)]
    for part, array in zip(parts, expected, strict=True):
        np.testing.assert_array_equal(part, seen(array))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_contact_sheet_keeps_channels_and_depth(denoiser, channels):
    picture = Picture(pixels(channels, np.uint16), "PNG")
    sheet = contact_sheet(denoiser, picture)
    assert sheet.dtype == np.uint16 and sheet.shape[1:] == (34 * (STOPS + 1), channels)
    labels = sheet[:-21]
    assert labels.max() == 65535 and labels[..., 0].min() < 40000
    assert channels % 2 or (labels[..., -1] == 65535).all()
