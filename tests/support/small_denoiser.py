"""A small untrained denoiser whose levels give different results."""

from pathlib import Path

import numpy as np
import torch

from ftn_core.data.task import DENOISING, DegradationSpec, Task
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.runtime.network_file import build_network

SPEC = {"name": "unshuffle_net", "channels": 8, "depth": 1}
DEJPEG = Task(DegradationSpec([{"name": "jpeg", "quality": "level"}]), ("faithful", "faithful"))
"""Levels fall from the base on."""
ENLARGED = Task(DegradationSpec([{"name": "downscaling", "scale": "level"}]), ("faithful", "faithful"))
CAMERA = Task(DegradationSpec([{"name": "sensor", "grain": "level"}]), ("faithful", "faithful"))
PLEASING = Task(DegradationSpec([{"name": "jpeg", "quality": 10}]), ("faithful", "pleasing"))
"""The degradation does not depend on the level: the dial is of the objective, from 0 to 1."""


def small_denoiser(path: Path, task: Task = DENOISING, levels: tuple[float, float] = (0.2, 0.5)) -> ContinuousDenoiser:
    """A base and one adapted level with fresh weights. It is also written to ``path``."""
    torch.manual_seed(0)
    base = build_network(**SPEC).eval()
    torch.nn.init.normal_(base.tail.weight, std=0.1)
    transition = build_transition("ftn", base, task.degradation.ratio(levels[1], levels[0]), groups=1)
    transition.transitions[0].slope.data *= 0.5
    adapted = AdaptedLevel(levels[1], "ftn", {"groups": 1}, transition, {})
    denoiser = ContinuousDenoiser(task, SPEC, base, levels[0], [adapted])
    denoiser.save(path)
    return denoiser


def folded(denoiser: ContinuousDenoiser, images: np.ndarray, level: float) -> np.ndarray:
    """``N x H x W x 3`` through the network folded for a level."""
    network = denoiser.fold(denoiser.position(level))
    with torch.inference_mode():
        output = network(torch.from_numpy(images).permute(0, 3, 1, 2)).clamp(0, 1)
    return output.permute(0, 2, 3, 1).numpy()
