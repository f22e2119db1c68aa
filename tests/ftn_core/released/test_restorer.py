"""Pictures of every kind go through a model and come out of the same kind."""

import numpy as np
import pytest
import torch
from PIL import Image
from small_denoiser import DEJPEG, small_denoiser

import ftn_core
from ftn_core.runtime.images import restore
from ftn_core.utils.errors import UserError

PIXELS = np.random.default_rng(0).integers(0, 256, (21, 30, 3), np.uint8)


@pytest.fixture
def file(tmp_path):
    small_denoiser(tmp_path / "d.safetensors")
    return tmp_path / "d.safetensors"


@pytest.fixture
def model(file):
    return ftn_core.load(file)


def expected(model, level):
    image = torch.from_numpy(PIXELS).permute(2, 0, 1)[None] / 255
    return restore(model.denoiser.fold(model.denoiser.position(level)), image)


def test_a_tensor_keeps_its_shape(model):
    image = torch.from_numpy(PIXELS).permute(2, 0, 1) / 255
    single = model(image, sigma=0.3)
    torch.testing.assert_close(single[None], expected(model, 0.3))
    assert torch.equal(model(torch.stack([image, image]), sigma=0.3)[1], single)
    assert model(image.double(), sigma=0.3).dtype == torch.float64


@pytest.mark.parametrize(("dtype", "full"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1), (np.float64, 1)])
def test_an_array_keeps_its_type_and_scale(model, dtype, full):
    image = (PIXELS / 255 * full).round(0 if full > 1 else 9).astype(dtype)
    restored = model(image, sigma=0.3)
    assert restored.dtype == dtype and restored.shape == image.shape
    wanted = expected(model, 0.3)[0].permute(1, 2, 0).numpy() * full
    np.testing.assert_allclose(restored.astype(np.float64), wanted, atol=0.5 + 1e-3 if full > 1 else 1e-5)


def test_a_pil_image_comes_back_as_one_and_grey_stays_grey(model):
    colour, grey = Image.fromarray(PIXELS), Image.fromarray(PIXELS[..., 0])
    np.testing.assert_array_equal(np.asarray(model(colour, sigma=0.3)), model(PIXELS, sigma=0.3))
    assert model(grey, sigma=0.3).mode == "L" and model(grey, sigma=0.3).size == grey.size
    np.testing.assert_array_equal(np.asarray(model(grey, sigma=0.3)), model(PIXELS[..., 0], sigma=0.3))


def test_at_nothing_every_pixel_stays(model):
    np.testing.assert_array_equal(model(PIXELS, sigma=0), PIXELS)
    np.testing.assert_array_equal(model(PIXELS[..., 0], sigma=0), PIXELS[..., 0])


def test_without_a_level_it_is_found_in_each_picture(model):
    torch.manual_seed(0)
    flat = torch.full((1, 3, 64, 64), 0.5)
    images = torch.cat([flat, flat + 0.2 * torch.randn_like(flat)])
    restored = model(images)
    assert torch.equal(restored[0], images[0])
    assert not torch.equal(restored[1], images[1].clamp(0, 1))


def test_another_model_has_another_keyword(tmp_path):
    small_denoiser(tmp_path / "jpeg.safetensors", DEJPEG, (40, 10))
    model = ftn_core.load(tmp_path / "jpeg.safetensors")
    assert model(PIXELS, quality=20).shape == PIXELS.shape
    with pytest.raises(TypeError, match=r"quality.*: give quality=, not sigma="):
        model(PIXELS, sigma=0.1)
    with pytest.raises(UserError, match=r"only noise is estimated.*give quality=, from 100 to 10"):
        model(PIXELS)


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        ("photo.jpg", TypeError, "a PIL image, a NumPy array or a tensor is needed, not str"),
        (Image.new("RGBA", (20, 20)), ValueError, r"RGB or L is needed, not RGBA: image\.convert"),
        (np.zeros((3, 20, 20), np.uint8), ValueError, r"H x W x 3 is needed, not of shape \(3, 20, 20\)"),
        (np.zeros((20, 20, 3), np.int64), TypeError, "uint8, uint16 or floats .*, not int64"),
        (torch.zeros(20, 20), ValueError, r"N x 3 x H x W are needed, not torch.float32 of \(20, 20\)"),
        (torch.zeros(3, 20, 20, dtype=torch.uint8), ValueError, r"not torch.uint8 of"),
    ],
)
def test_another_kind_of_image_is_refused(model, image, error, words):
    with pytest.raises(error, match=words):
        model(image, sigma=0.1)


def test_a_level_beyond_the_scale_is_refused(model):
    with pytest.raises(ValueError, match="sigma must be from 0 to 2"):
        model(PIXELS, sigma=25)


def test_a_name_that_is_neither_a_model_nor_a_file(tmp_path):
    with pytest.raises(UserError, match="nothing does not exist"):
        ftn_core.load("nothing")
