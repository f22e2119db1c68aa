"""One method along its dial, on test images: scores, a heat map, a contact sheet, and the dial's smoothness."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray

from ftn_core.data.store import Store
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.evaluation.pairs import Pairs
from ftn_core.evaluation.records.evaluation import Evaluation, GridPoint
from ftn_core.evaluation.scoring import Metric, center_crop
from ftn_core.evaluation.smoothness import smoothness
from ftn_core.evaluation.sweep import positions, restore_along_dial, sweep
from ftn_core.runtime.images import to_image

SHEET_PIXELS = 160
"""Side of the crops in the contact sheet."""
PATH_SAMPLES = 21
"""Dial positions, from one end to the other, at which smoothness is measured."""


@dataclass(frozen=True)
class Sampling:
    """How finely the dial is sampled.

    Args:
        alphas: steps from one whole position of the dial to the next.
        images: how many test images the heat map averages over.
    """

    alphas: int
    images: int


def evaluate_denoiser(
    name: str,
    denoiser: ContinuousDenoiser,
    clean: Store,
    degraded: Mapping[float, Store],
    sampling: Sampling,
    objective: Metric | None,
    device: torch.device,
    on_pass: Callable[[int, int], None] = lambda done, total: None,
    own_base: bool = False,
) -> tuple[Evaluation, dict[str, NDArray]]:
    """Score a method, and crop the pictures that the report shows (see ``Evaluation``).

    Args:
        degraded: for each level the degraded versions, in the order of ``clean``.
        objective: the metric that the levels were trained for; None if it is PSNR.
        on_pass: called after each pass over the images, with the number of finished passes and of all passes.
        own_base: whether the base is the row's own, and is scored with it.
    """
    samples = positions(denoiser, sampling.alphas)
    places = {level: denoiser.position(level) for level in degraded}
    # at 0 it is the base, which is scored elsewhere if it is common to all rows
    adapted = {level: [place] for level, place in places.items() if place or own_base}
    total, passes = len(adapted) + len(degraded) * len(samples), count(1)
    scores = {}
    for level, _, result in sweep(denoiser, adapted, Pairs(clean, degraded, device), objective):
        scores[level] = result
        on_pass(next(passes), total)
    grid = []
    some = Pairs(clean, degraded, device, limit=sampling.images)
    for level, place, result in sweep(denoiser, dict.fromkeys(degraded, samples), some, objective):
        grid.append(GridPoint(level=level, position=place, psnr=result.psnr, objective=result.objective))
        on_pass(next(passes), total)

    # at the middle level, one end of the dial restores too weakly and the other too strongly
    sheet_level = list(degraded)[len(degraded) // 2]
    inner = center_crop(to_image(degraded[sheet_level][0], device), 2 * SHEET_PIXELS)
    path = restore_along_dial(denoiser, inner, np.linspace(*denoiser.span, PATH_SAMPLES).tolist())
    evaluation = Evaluation(
        name=name,
        own_base=own_base,
        trained=denoiser.trained,
        ends=denoiser.ends,
        blend=denoiser.blend,
        dial=denoiser.dial,
        scores={level: scores[level] for level in adapted},
        grid=sorted(grid, key=lambda point: (point.level, point.position)),
        sheet_level=sheet_level,
        smoothness=smoothness(path),
    )
    pictures = {
        "restored": torch.cat([_crop(x[None]) for x in restore_along_dial(denoiser, inner, samples)]).numpy(),
        "positions": np.array(samples),
        "clean": _crop(center_crop(to_image(clean[0]), 2 * SHEET_PIXELS))[0].numpy(),
        "degraded": _crop(inner)[0].numpy(),
    }
    return evaluation, pictures


def _crop(image: torch.Tensor) -> torch.Tensor:
    pixels = center_crop(image, SHEET_PIXELS).clamp(0, 1).mul(255).round().byte()
    return pixels.permute(0, 2, 3, 1).cpu()
