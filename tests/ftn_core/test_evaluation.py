import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from ftn_core.continuous import ContinuousDenoiser, Level
from ftn_core.data.noise import write_noisy_set
from ftn_core.data.store import Store
from ftn_core.evaluation import dial_strip, find_dial, golden_section, positions, score, sweep
from ftn_core.images import restore, to_image
from ftn_core.metrics import Score, mean_score, psnr, ssim

CPU = torch.device("cpu")


class Shrink(torch.nn.Module):
    """A network of one number: the share of the input's deviation from grey that it keeps."""

    def __init__(self, keep: float) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 3, 1)
        with torch.no_grad():
            self.conv.weight.copy_(keep * torch.eye(3)[..., None, None])
            self.conv.bias.fill_((1 - keep) / 2)

    def forward(self, x):
        return self.conv(x)


class KeepLess(torch.nn.Module):
    """A transition that changes the share, so that the best alpha can be computed by hand."""

    def __init__(self, keep: float) -> None:
        super().__init__()
        self.other = Shrink(keep)

    def forward(self, state):
        return {f"conv.{n}": p for n, p in self.other.conv.named_parameters()}


def shrinking(keeps=(1.0, 0.2), sigmas=(0.1, 0.5)) -> ContinuousDenoiser:
    levels = [Level(s, "ftn", {}, KeepLess(k), {}) for s, k in zip(sigmas[1:], keeps[1:], strict=True)]
    return ContinuousDenoiser({}, Shrink(keeps[0]), sigmas[0], levels)


@pytest.fixture
def sets(tmp_path, make_store):
    for split in ("train", "val", "test"):
        make_store(f"photographs/{split}", count=2, height=64, width=80, seed=len(split))
    folders = {}
    for sigma in (0.1, 0.2, 0.3, 0.4, 0.5):
        folders[sigma] = tmp_path / f"noisy/{sigma}"
        write_noisy_set(tmp_path / "photographs", folders[sigma], sigma=sigma, seed=0, clip=False, train=False)
    return tmp_path / "photographs", folders


@pytest.mark.parametrize("sigma", [0.05, 0.3])
def test_metrics_agree_with_scikit_image(sigma):
    rng = np.random.default_rng(0)
    clean = rng.random((200, 240, 3), np.float32)
    noisy = (clean + sigma * rng.standard_normal(clean.shape)).clip(0, 1).astype(np.float32)
    a, b = (torch.from_numpy(x).permute(2, 0, 1)[None] for x in (noisy, clean))
    assert psnr(a, b) == pytest.approx(peak_signal_noise_ratio(clean, noisy, data_range=1), abs=1e-4)
    expected = structural_similarity(
        clean, noisy, data_range=1, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(a, b) == pytest.approx(expected, abs=2e-3)


def test_means_are_of_decibels():
    assert mean_score([Score(20, 0.5), Score(30, 0.7)]) == Score(25, pytest.approx(0.6))


def test_noisy_input_scores_what_its_sigma_says(sets):
    photographs, noisy = sets
    result = score(torch.nn.Identity(), Store(photographs / "test"), Store(noisy[0.1] / "test"), CPU)
    assert 20 <= result.psnr < 20.6  # 20 dB, and a little for what clipping takes away


def test_golden_section_finds_the_maximum():
    calls = []

    def quality(alpha):
        calls.append(alpha)
        return -((alpha - 0.3) ** 2)

    assert golden_section(quality, 0.01) == pytest.approx(0.3, abs=0.01)
    assert len(calls) < 15
    assert golden_section(lambda a: a, 0.01) > 0.99
    assert golden_section(lambda a: -a, 0.01) < 0.01


def test_the_dial_finds_the_best_alpha(sets):
    photographs, noisy = sets
    clean = Store(photographs / "val")
    denoiser = shrinking()
    dial = dict(find_dial(denoiser, clean, {s: f / "val" for s, f in noisy.items()}, CPU))
    assert dial[0.1] == 0 and dial[0.5] == 1
    positions_ = [dial[s] for s in sorted(dial)]
    assert positions_ == sorted(positions_)
    # against a fine sweep of the same
    for sigma in (0.2, 0.3, 0.4):
        fine = dict(sweep(denoiser, [i / 50 for i in range(51)], clean, Store(noisy[sigma] / "val"), CPU))
        best = max(s.psnr for s in fine.values())
        chosen = dict(sweep(denoiser, [dial[sigma]], clean, Store(noisy[sigma] / "val"), CPU))[dial[sigma]]
        assert chosen.psnr > best - 0.02


def test_calibration_reads_validation_images_alone(sets):
    photographs, noisy = sets
    import shutil

    for folder in (photographs, *noisy.values()):
        shutil.rmtree(folder / "test")
        shutil.rmtree(folder / "train")
    find_dial(shrinking(), Store(photographs / "val"), {s: f / "val" for s, f in noisy.items()}, CPU)


def test_the_dial_is_sampled_evenly_and_scored_once_a_place(sets):
    photographs, noisy = sets
    denoiser = shrinking()
    assert positions(denoiser, 4) == [0, 0.25, 0.5, 0.75, 1]
    scores = dict(sweep(denoiser, [0.0, 0.5, 0.5, 1.0], Store(photographs / "test"), Store(noisy[0.3] / "test"), CPU))
    assert list(scores) == [0.0, 0.5, 1.0]
    folded = score(denoiser.fold(0.5), Store(photographs / "test"), Store(noisy[0.3] / "test"), CPU)
    assert scores[0.5] == folded


def test_the_strip_shows_clean_noisy_levels_and_dial(sets):
    photographs, noisy = sets
    stores = {s: Store(noisy[s] / "test") for s in (0.1, 0.3)}
    strip = dial_strip(shrinking(), Store(photographs / "test"), stores, CPU, size=32)
    assert [len(row) for row in strip] == [5, 5]
    assert [caption.split(":")[0] for caption, _ in strip[1]] == [
        "clean",
        "sigma 0.3",
        "level 0.1",
        "level 0.5",
        "dial",
    ]
    assert all(image.shape == (32, 32, 3) for row in strip for _, image in row)


def test_images_are_clipped_after_restoring():
    noisy = to_image(np.full((3, 8, 8), 3.0, np.float16))
    assert restore(torch.nn.Identity(), noisy).max() == 1
    assert to_image(np.full((3, 8, 8), 255, np.uint8)).max() == 1
