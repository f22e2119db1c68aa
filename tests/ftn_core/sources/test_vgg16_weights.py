import importlib.metadata
from urllib.error import URLError

import pytest
import safetensors.torch
import torch
from torchvision.models import VGG16_Weights

from ftn_core.sources.vgg16_weights import read_weights
from ftn_core.utils.errors import UserError


@pytest.fixture
def file(tmp_path):
    """The two convolutions up to relu1_2, as torchvision names them, in both formats."""

    def write(suffix, **changes):
        weights = {
            "features.0.weight": torch.randn(64, 3, 3, 3), "features.0.bias": torch.zeros(64),
            "features.2.weight": torch.randn(64, 64, 3, 3), "features.2.bias": torch.zeros(64),
        } | changes  # fmt: skip
        weights = {name: value for name, value in weights.items() if value is not None}
        path = tmp_path / f"vgg{suffix}"
        safetensors.torch.save_file(weights, path) if suffix == ".safetensors" else torch.save(weights, path)
        return path, weights

    return write


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_is_read_only_as_deep_as_it_is_used(file, suffix):
    path, weights = file(suffix, **{"classifier.0.bias": torch.zeros(3)})
    found = read_weights(path.name, "relu1_2", path.parent)
    assert set(found) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    assert torch.equal(found["2.weight"], weights["features.2.weight"])
    with pytest.raises(UserError, match=r"has no tensor features\.5\.weight"):
        read_weights(path.name, "relu2_2", path.parent)


def test_wrong_weights_are_named(file, tmp_path):
    def refused(path, *words):
        with pytest.raises(UserError) as caught:
            read_weights(path.name, "relu1_2", path.parent)
        message = str(caught.value)
        for word in ("features.weights", "stlpips", *words):
            assert word in message
        assert "\n" not in message

    refused(tmp_path / "none.pth", "none.pth", "No such file")
    refused(tmp_path / "none.safetensors", "none.safetensors", "No such file")
    for suffix in (".pth", ".safetensors"):
        page = tmp_path / f"page{suffix}"
        page.write_text("<!DOCTYPE html><html>not found</html>")
        refused(page, page.name, "<!DOCTYPE")
        (tmp_path / f"empty{suffix}").touch()
        refused(tmp_path / f"empty{suffix}", "empty")
        refused(file(suffix, **{"features.2.bias": None})[0], "features.2.bias")
        refused(file(suffix, **{"features.2.bias": torch.zeros(32)})[0], "features.2.bias", "(32,)", "(64,)")
        refused(file(suffix, **{"features.0.bias": torch.full((64,), torch.nan)})[0], "features.0.bias", "finite")
    torch.save([1, 2], tmp_path / "list.pth")
    refused(tmp_path / "list.pth", "list.pth", "a list")
    torch.save({"features.0.weight": print}, tmp_path / "code.pth")
    refused(tmp_path / "code.pth", "code.pth")
    refused(tmp_path, "cannot be read")


def test_without_a_network_torchvisions_weights_are_refused_with_the_remedy(monkeypatch, tmp_path):
    def offline(*args, **kwargs):
        raise URLError("no route to host")

    monkeypatch.setattr(type(VGG16_Weights.IMAGENET1K_V1), "get_state_dict", offline)
    with pytest.raises(UserError, match=r"features\.weights: torchvision could not download.*no route.*stlpips"):
        read_weights("torchvision", "relu1_2", tmp_path)


def test_without_the_package_its_weights_are_refused(monkeypatch, tmp_path):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(UserError, match=r"stlpips-pytorch is not installed"):
        read_weights("stlpips", "relu1_2", tmp_path)
