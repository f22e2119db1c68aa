"""Scores over sigma and the dial, and the dial's calibration."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ftn_core.continuous import ContinuousDenoiser
from ftn_core.data.store import Store
from ftn_core.images import restore, to_image
from ftn_core.metrics import Score, mean_score, psnr, score_image


def pairs(clean: Store, noisy: Store, device: torch.device) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """``(noisy, clean)`` images in turn, each ``1 x 3 x H x W``."""
    for y, x in zip(noisy, clean, strict=True):
        yield to_image(y, device), to_image(x, device)


def score(network: nn.Module, clean: Store, noisy: Store, device: torch.device) -> Score:
    """Mean PSNR and SSIM of a network's restorations; ``nn.Identity()`` scores the noisy input itself."""
    return mean_score([score_image(restore(network, y), x) for y, x in pairs(clean, noisy, device)])


def positions(denoiser: ContinuousDenoiser, per_segment: int) -> list[float]:
    """The whole dial, sampled evenly: from 0 to the last level, ``per_segment`` steps to each."""
    return [i / per_segment for i in range(len(denoiser.levels) * per_segment + 1)]


def sweep(
    denoiser: ContinuousDenoiser,
    where: Iterable[float],
    clean: Store,
    noisy: Store,
    device: torch.device,
) -> Iterator[tuple[float, Score]]:
    """Positions of the dial with their scores, as they are found; each position once, folded once."""
    network: nn.Module | None = None
    for position in dict.fromkeys(where):
        network = denoiser.fold(position, network)
        yield position, score(network, clean, noisy, device)


def dial_strip(
    denoiser: ContinuousDenoiser, clean: Store, noisy: dict[float, Store], device: torch.device, size: int = 160
) -> list[list[tuple[str, NDArray[np.float32]]]]:
    """Captioned crops of the first image: for each sigma clean, noisy, each level's output, the calibrated one's."""
    places = {f"level {sigma}": float(i) for i, sigma in enumerate(denoiser.sigmas)}
    x = to_image(clean[0], device)
    top, left = ((n - size) // 2 for n in x.shape[2:])
    window = (..., slice(max(top, 0), max(top, 0) + size), slice(max(left, 0), max(left, 0) + size))

    def crop(image: torch.Tensor) -> NDArray[np.float32]:
        return image[window][0].permute(1, 2, 0).cpu().numpy()

    strip = []
    for sigma, store in noisy.items():
        y = to_image(store[0], device)
        row = [("clean", crop(x)), (f"sigma {sigma}", crop(y))]
        for name, place in {**places, "dial": denoiser.position(sigma)}.items():
            z = restore(denoiser.fold(place), y)
            row.append((f"{name}: {psnr(z, x):.2f} dB", crop(z)))
        strip.append(row)
    return strip


def find_dial(
    denoiser: ContinuousDenoiser,
    clean: Store,
    noisy: dict[float, Path],
    device: torch.device,
    tolerance: float = 0.02,
    on_pass: Callable[[], None] = lambda: None,
) -> list[tuple[float, float]]:
    """The dial that restores best: for each sigma the position of highest mean PSNR, found on validation images.

    Trained levels stay at their own place. A sigma between two levels is searched for between them, by golden
    section (PSNR over alpha has one maximum), until alpha is known to ``tolerance``. The result never turns back:
    a higher sigma has no lower position.

    Args:
        clean: validation photographs.
        noisy: for each sigma the folder of their noisy versions.
        on_pass: called after each pass over the photographs.
    """
    levels = denoiser.sigmas
    points = {sigma: float(i) for i, sigma in enumerate(levels)}
    network: nn.Module | None = None
    for sigma, folder in sorted(noisy.items()):
        if sigma in points or not levels[0] < sigma < levels[-1]:
            continue
        store = Store(folder)
        lower = int(np.searchsorted(levels, sigma)) - 1

        def quality(alpha: float) -> float:
            nonlocal network
            network = denoiser.fold(lower + alpha, network)  # noqa: B023 - called within the iteration
            scores = [psnr(restore(network, y), x) for y, x in pairs(clean, store, device)]  # noqa: B023
            on_pass()
            return sum(scores) / len(scores)

        points[sigma] = lower + golden_section(quality, tolerance)
    rising = np.maximum.accumulate([points[sigma] for sigma in sorted(points)])
    return list(zip(sorted(points), rising.tolist(), strict=True))


def golden_section(quality: Callable[[float], float], tolerance: float) -> float:
    """Where in [0, 1] a function with one maximum has it, to within ``tolerance`` (Kiefer 1953)."""
    ratio = (5**0.5 - 1) / 2
    low, high = 0.0, 1.0
    a, b = high - ratio, low + ratio
    at_a, at_b = quality(a), quality(b)
    while high - low > tolerance:
        if at_a >= at_b:
            high, b, at_b = b, a, at_a
            a = high - ratio * (high - low)
            at_a = quality(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + ratio * (high - low)
            at_b = quality(b)
    return round((low + high) / 2, 4)
