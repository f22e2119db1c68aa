import numpy as np
import pytest
import torch
from torch.autograd import gradcheck
from torchvision.models import vgg16

from ftn_core.losses.perceptual import Perceptual
from ftn_core.losses.pixel import Pixel
from ftn_core.losses.style import Style
from ftn_core.losses.terms import feature_term, gram, style_term, total_variation
from ftn_core.losses.vgg16 import LAYERS, Vgg16
from ftn_core.runtime.psnr import psnr_each

PERCEPTUAL = {"feature": 1.0, "layers": ["relu2_2"], "pixel": 0.0, "total_variation": 0.0}
STYLE = {
    "content": 1.0, "content_layer": "relu2_2", "style": 1.0, "style_layers": ["relu1_2", "relu3_3"],
    "total_variation": 0.1,
}  # fmt: skip


def tiny_weights():
    """VGG16's shapes with fewer channels would be no VGG16; its first two convolutions are small enough."""
    generator = torch.Generator().manual_seed(0)
    shapes = {"0": (64, 3, 3, 3), "2": (64, 64, 3, 3)}
    weights = {f"{n}.weight": 0.2 * torch.randn(s, generator=generator) for n, s in shapes.items()}
    return weights | {f"{n}.bias": 0.1 * torch.randn(s[0], generator=generator) for n, s in shapes.items()}


def test_features_are_those_of_torchvisions_forward(weights, photograph):
    features = Vgg16(weights, LAYERS)(photograph)
    assert [tuple(f.shape[1:]) for f in features.values()] == [
        (64, 128, 128), (128, 64, 64), (256, 32, 32), (512, 16, 16),
    ]  # fmt: skip
    with torch.device("meta"):
        whole = vgg16(weights=None)
    whole.features.load_state_dict(weights, strict=False, assign=True)
    h = (photograph - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(
        3, 1, 1
    )
    for i, layer in enumerate(whole.features[:23]):
        h = layer(h)
        for name, place in LAYERS.items():
            if place == i:
                torch.testing.assert_close(features[name], h, atol=1e-5, rtol=1e-4)
    assert set(Vgg16(weights, ["relu1_2", "relu3_3"])(photograph, "relu1_2")) == {"relu1_2"}


def test_terms_by_hand():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 2, 3, 4, 5))
    expected = np.zeros((2, 3, 3))
    for n in range(2):
        for i in range(3):
            for j in range(3):
                expected[n, i, j] = (a[n, i] * a[n, j]).sum() / (3 * 4 * 5)
    a, b = torch.from_numpy(a), torch.from_numpy(b)
    torch.testing.assert_close(gram(a), torch.from_numpy(expected))
    target = gram(b)[:1]
    by_hand = ((expected - target.numpy()) ** 2).sum((1, 2)) / (target.numpy() ** 2).sum()
    torch.testing.assert_close(style_term(a, target), torch.from_numpy(by_hand))
    torch.testing.assert_close(feature_term(a, b), ((a - b) ** 2).sum((1, 2, 3)) / (3 * 4 * 5))
    image = torch.tensor([[[[0.0, 1.0], [4.0, 2.0]]]])
    assert total_variation(image).tolist() == [(4 + 1) / 2 + (1 + 2) / 2]


def test_gram_matrices_are_summed_in_full_precision_under_autocast():
    features = torch.rand(1, 4, 200, 200).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        matrix = gram(features)
    assert matrix.dtype == torch.float32
    torch.testing.assert_close(matrix, gram(features.float()))


@pytest.mark.parametrize("kind", ["perceptual", "style"])
def test_gradients(kind):
    weights = {name: value.double() for name, value in tiny_weights().items()}
    clean, other = torch.rand(2, 1, 3, 6, 5, dtype=torch.double)
    if kind == "perceptual":
        loss = Perceptual(weights, feature=1.0, layers=["relu1_2"], pixel=0.5, total_variation=0.3)
    else:
        options = STYLE | {"content_layer": "relu1_2", "style_layers": ["relu1_2"]}
        loss = Style(weights, torch.rand(1, 3, 7, 7, dtype=torch.double), **options)
    loss.double()
    assert gradcheck(lambda x: loss(x, clean), other.requires_grad_())


def test_a_stronger_blur_is_farther_away(weights, photograph, blurred):
    loss = Perceptual(weights, **PERCEPTUAL)
    distances = [float(loss.each(blurred(sigma), photograph)) for sigma in (0, 0.7, 1.5, 3)]
    assert distances[0] == 0 and distances == sorted(distances) and distances[1] > 0
    scores = [float(loss.decibels(blurred(sigma), photograph)) for sigma in (0.7, 1.5, 3)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(-10 * np.log10(distances[1]), abs=1e-3)


def test_each_image_of_a_batch_counts_alone(weights, photograph, blurred):
    batch = torch.cat([blurred(1), blurred(3)])
    clean = photograph.expand(2, -1, -1, -1)
    losses = Perceptual(weights, **PERCEPTUAL), Style(weights, blurred(2).flip(3), **STYLE)
    for loss in losses:
        alone = torch.cat([loss.each(batch[i : i + 1], clean[:1]) for i in range(2)])
        torch.testing.assert_close(loss.each(batch, clean), alone, atol=1e-6, rtol=1e-4)
        assert float(loss(batch, clean)) == pytest.approx(float(alone.mean()), rel=1e-4)
        assert loss.decibels(batch, clean).shape == (2,)


def test_a_picture_has_its_own_style_and_its_own_content(weights, photograph, blurred):
    own = Style(weights, photograph, **STYLE | {"content": 0.0, "total_variation": 0.0})
    assert float(own.each(photograph, blurred(3))) < 1e-6
    assert float(own.each(blurred(3), photograph)) > 0.1
    content = Style(weights, blurred(3), **STYLE | {"style": 0.0, "total_variation": 0.0})
    assert float(content.each(photograph, photograph)) == 0


def test_nothing_in_it_learns_and_losses_of_pixels_are_psnr(weights, photograph, blurred):
    assert not any(p.requires_grad for p in Style(weights, photograph, **STYLE).parameters())
    noisy, clean = blurred(1), photograph
    for name, value in (("l1", (noisy - clean).abs().mean()), ("l2", (noisy - clean).square().mean())):
        assert float(Pixel(name)(noisy, clean)) == pytest.approx(float(value), rel=1e-5)
        assert torch.equal(Pixel(name).decibels(noisy, clean), psnr_each(noisy, clean))
