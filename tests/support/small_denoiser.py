"""A small denoiser whose levels differ, and what it makes of images."""

from pathlib import Path

import numpy as np
import torch

from ftn_core.continuous import ContinuousDenoiser, Level
from ftn_core.networks import build_network
from ftn_core.task import DENOISING
from ftn_core.transitions import build_transition

SPEC = {"name": "unshuffle_net", "channels": 8, "depth": 1}


def small_denoiser(path: Path) -> ContinuousDenoiser:
    """Of fresh weights, with levels 0.2 and 0.5; saved to ``path``."""
    torch.manual_seed(0)
    base = build_network(**SPEC).eval()
    torch.nn.init.normal_(base.tail.weight, std=0.1)
    transition = build_transition("ftn", base, 2.5, groups=1)
    transition.transitions[0].slopes[0].data *= 0.5
    denoiser = ContinuousDenoiser(DENOISING, SPEC, base, 0.2, [Level(0.5, "ftn", {"groups": 1}, transition, {})])
    denoiser.save(path)
    return denoiser


def folded(denoiser: ContinuousDenoiser, images: np.ndarray, sigma: float) -> np.ndarray:
    """``N x H x W x 3`` through the network folded for sigma."""
    network = denoiser.fold(denoiser.position(sigma))
    with torch.inference_mode():
        output = network(torch.from_numpy(images).permute(0, 3, 1, 2)).clamp(0, 1)
    return output.permute(0, 2, 3, 1).numpy()
