import numpy as np
import pytest
import torch
from PIL import Image

from ftn_core.losses.load import load_loss, loss_metric
from ftn_core.losses.perceptual import Perceptual
from ftn_core.losses.pixel import Pixel
from ftn_core.losses.style import Style
from ftn_core.parameters.losses import PerceptualLossOptions, PixelLossOptions, StyleLossOptions
from ftn_core.runtime.checkpoint import read_tensors
from ftn_core.sources.pack_loss import pack_loss, style_picture
from ftn_core.utils.errors import UserError

PERCEPTUAL = PerceptualLossOptions(
    name="perceptual", feature=2.0, layers=["relu1_2", "relu2_2"], pixel=0.5, total_variation=0
)
STYLE = StyleLossOptions(
    name="style", image="waves.png", size=48, content=1.0, content_layer="relu2_2", style=3.0,
    style_layers=["relu1_2"], total_variation=0.1,
)  # fmt: skip


@pytest.fixture
def styles(tmp_path):
    folder = tmp_path / "styles"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (60, 96, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "waves.png")
    return folder


def pack(tmp_path, loss, styles, weights="stlpips"):
    path = tmp_path / "loss.safetensors"
    pack_loss(path, loss, weights=weights, features=tmp_path / "features", styles=styles)
    return path


def test_for_losses_of_pixels_nothing_else_is_read(tmp_path, styles):
    first = pack(tmp_path, PixelLossOptions(name="l1"), styles).read_bytes()
    again = pack(tmp_path, PixelLossOptions(name="l1"), tmp_path / "nowhere", weights="nowhere.pth")
    assert again.read_bytes() == first and len(first) < 300
    assert isinstance(load_loss(again), Pixel) and loss_metric(again, torch.device("cpu")) is None


def test_features_are_packed_as_deep_as_they_are_used_and_read_again(tmp_path, styles):
    images = torch.rand(2, 2, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    path = pack(tmp_path, PERCEPTUAL, styles)
    weights, _ = read_tensors(path)
    assert {name.split(".")[0] for name in weights} == {"0", "2", "5", "7"}
    loss = load_loss(path)
    expected = Perceptual(weights, feature=2.0, layers=["relu1_2", "relu2_2"], pixel=0.5, total_variation=0.0)
    assert torch.equal(loss(*images), expected(*images))
    assert torch.equal(loss_metric(path, torch.device("cpu"))(*images), expected.decibels(*images))

    path = pack(tmp_path, STYLE, styles)
    loss = load_loss(path)
    picture = style_picture(styles / "waves.png", 48)[None] / 255
    assert picture.shape == (1, 3, 30, 48)
    expected = Style(
        weights, picture, content=1.0, content_layer="relu2_2", style=3.0, style_layers=["relu1_2"],
        total_variation=0.1,
    )  # fmt: skip
    assert torch.equal(loss(*images), expected(*images))


def test_weights_may_come_from_a_file_in_the_folder_of_features(tmp_path, styles):
    features = tmp_path / "features"
    features.mkdir()
    shapes = {"0": (64, 3, 3, 3), "2": (64, 64, 3, 3)}
    own = {f"features.{n}.weight": torch.randn(shape) for n, shape in shapes.items()}
    own |= {f"features.{n}.bias": torch.randn(shape[0]) for n, shape in shapes.items()}
    torch.save(own, features / "own.pth")
    path = pack(tmp_path, PERCEPTUAL.model_copy(update={"layers": ["relu1_2"]}), styles, weights="own.pth")
    packed, _ = read_tensors(path)
    assert {f"features.{name}" for name in packed} == own.keys()
    assert all(torch.equal(packed[name.removeprefix("features.")], value) for name, value in own.items())
    with pytest.raises(UserError, match=r"features/other\.pth cannot be read"):
        pack(tmp_path, PERCEPTUAL, styles, weights="other.pth")


def test_a_style_image_that_cannot_be_used_is_named(tmp_path, styles):
    (styles / "page.jpg").write_text("<!DOCTYPE html>")
    with pytest.raises(UserError, match=r"page\.jpg cannot be used \(not a readable image\).*waves\.png"):
        pack(tmp_path, STYLE.model_copy(update={"image": "page.jpg"}), styles)
    whole = (styles / "waves.png").read_bytes()
    (styles / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"cut\.png cannot be used \(damaged"):
        pack(tmp_path, STYLE.model_copy(update={"image": "cut.png"}), styles)
    with pytest.raises(UserError, match=r"wave\.png does not exist.*waves\.png"):
        pack(tmp_path, STYLE.model_copy(update={"image": "wave.png"}), styles)
