"""PSNR and SSIM of restored images, by torchmetrics."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure


@dataclass(frozen=True)
class Score:
    """Means over a split's images: PSNR in dB, SSIM from 0 to 1."""

    psnr: float
    ssim: float


def psnr(restored: Tensor, clean: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of ``N x 3 x H x W`` in [0, 1], the restored images clipped to that range."""
    return float(peak_signal_noise_ratio(restored.clamp(0, 1), clean, data_range=1.0))


def ssim(restored: Tensor, clean: Tensor) -> float:
    """Structural similarity (Wang et al. 2004, Gaussian window), of images as for ``psnr``."""
    value = structural_similarity_index_measure(restored.clamp(0, 1), clean, data_range=1.0)
    assert isinstance(value, Tensor)
    return float(value)


def score_image(restored: Tensor, clean: Tensor) -> Score:
    """Both metrics of one image, ``1 x 3 x H x W``."""
    return Score(psnr(restored, clean), ssim(restored, clean))


def mean_score(scores: Sequence[Score]) -> Score:
    """The mean over images: of decibels, as the papers do, not of squared errors."""
    return Score(sum(s.psnr for s in scores) / len(scores), sum(s.ssim for s in scores) / len(scores))
