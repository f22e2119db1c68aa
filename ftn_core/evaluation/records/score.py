"""Scores of restored images."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """Means over a split's images.

    Args:
        psnr: in dB.
        ssim: structural similarity, at most 1.
        objective: the levels' objective in dB; None if it is the PSNR itself, or was not measured.
    """

    psnr: float
    ssim: float
    objective: float | None = None
