"""Scores over sigma and the dial, and the dial's calibration."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ftn_core.continuous import ContinuousDenoiser
from ftn_core.data.pairs import Pairs
from ftn_core.data.store import Store
from ftn_core.images import restore, to_image
from ftn_core.metrics import Score, mean_score, psnr, psnr_each, ssim_each

Metric = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Restored and clean images, each ``N x 3 x H x W``, to ``N`` values."""


def measure(network: nn.Module, pairs: Pairs, sigma: float, *metrics: Metric) -> list[list[float]]:
    """For each image, in the order of the store, the metrics of a network's restoration of one sigma."""
    places, values = [], []
    for batch in pairs.batches(sigma):
        restored = restore(network, batch.noisy)
        places += batch.places
        values.append(torch.stack([metric(restored, batch.clean) for metric in metrics], dim=1))
    # once for all of them: a GPU is not waited for at each batch
    rows: list[list[float]] = torch.cat(values).tolist()
    return [row for _, row in sorted(zip(places, rows, strict=True))]


def score(network: nn.Module, pairs: Pairs, sigma: float) -> Score:
    """Mean PSNR and SSIM of a network's restorations; ``nn.Identity()`` scores the noisy input itself."""
    return mean_score([Score(*row) for row in measure(network, pairs, sigma, psnr_each, ssim_each)])


def positions(denoiser: ContinuousDenoiser, per_segment: int) -> list[float]:
    """The whole dial, sampled evenly: from 0 to the last level, ``per_segment`` steps to each."""
    return [i / per_segment for i in range(len(denoiser.levels) * per_segment + 1)]


def folded(
    denoiser: ContinuousDenoiser, where: Mapping[float, Iterable[float]]
) -> Iterator[tuple[float, nn.Module, list[float]]]:
    """Each position that any sigma asks for, folded once, with its network and the sigmas that asked.

    The network is the same one each time, overwritten when the next position is asked for.

    Args:
        where: for each sigma its positions of the dial.
    """
    asked: dict[float, dict[float, None]] = {}
    for sigma, places in where.items():
        for position in places:
            asked.setdefault(position, {})[sigma] = None
    network: nn.Module | None = None
    for position, sigmas in sorted(asked.items()):
        network = denoiser.fold(position, network)
        yield position, network, list(sigmas)


def sweep(
    denoiser: ContinuousDenoiser, where: Mapping[float, Iterable[float]], pairs: Pairs
) -> Iterator[tuple[float, float, Score]]:
    """Sigma, position and score of each position of the dial that is asked for at a sigma, as they are found."""
    for position, network, sigmas in folded(denoiser, where):
        for sigma in sigmas:
            yield sigma, position, score(network, pairs, sigma)


def dial_strip(
    denoiser: ContinuousDenoiser, clean: Store, noisy: Mapping[float, Store], device: torch.device, size: int = 160
) -> list[list[tuple[str, NDArray[np.float32]]]]:
    """Captioned crops of the first image: for each sigma clean, noisy, each level's output, the calibrated one's."""
    levels = {f"level {sigma}": float(i) for i, sigma in enumerate(denoiser.sigmas)}
    places = {sigma: {**levels, "dial": denoiser.position(sigma)} for sigma in noisy}
    x = to_image(clean[0], device)
    top, left = ((n - size) // 2 for n in x.shape[2:])
    window = (..., slice(max(top, 0), max(top, 0) + size), slice(max(left, 0), max(left, 0) + size))

    def crop(image: torch.Tensor) -> NDArray[np.float32]:
        # copied: a view would keep the whole image
        return image[window][0].permute(1, 2, 0).cpu().numpy().copy()

    outputs = {}
    for position, network, sigmas in folded(denoiser, {sigma: named.values() for sigma, named in places.items()}):
        for sigma in sigmas:
            z = restore(network, to_image(noisy[sigma][0], device))
            outputs[sigma, position] = f"{psnr(z, x):.2f} dB", crop(z)
    strip = []
    for sigma, store in noisy.items():
        row = [("clean", crop(x)), (f"sigma {sigma}", crop(to_image(store[0], device)))]
        for name, position in places[sigma].items():
            quality, picture = outputs[sigma, position]
            row.append((f"{name}: {quality}", picture))
        strip.append(row)
    return strip


def find_dial(
    denoiser: ContinuousDenoiser,
    clean: Store,
    noisy: Mapping[float, Path],
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
        pairs = Pairs(clean, {sigma: Store(folder)}, device)
        lower = int(np.searchsorted(levels, sigma)) - 1

        def quality(alpha: float) -> float:
            nonlocal network
            network = denoiser.fold(lower + alpha, network)  # noqa: B023 - called within the iteration
            rows = measure(network, pairs, sigma, psnr_each)  # noqa: B023
            on_pass()
            return sum(decibels for (decibels,) in rows) / len(rows)

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
