"""How well images are restored."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """Means over a split's images: PSNR in dB, SSIM from 0 to 1, what levels were adapted for in dB.

    ``objective`` is None where that is the PSNR itself, or was not measured.
    """

    psnr: float
    ssim: float
    objective: float | None = None
