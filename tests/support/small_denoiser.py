"""A small denoiser with visible differences along its dial, for tests that need a model and not a good one."""

from pathlib import Path

import torch

from ftn_core.continuous import ContinuousDenoiser, Level
from ftn_core.networks import build_network
from ftn_core.transitions import build_transition

SPEC = {"name": "unshuffle_net", "channels": 8, "depth": 1}


def small_denoiser(path: Path) -> ContinuousDenoiser:
    """Levels 0.2 and 0.5; written to the path."""
    torch.manual_seed(0)
    base = build_network(**SPEC).eval()
    torch.nn.init.normal_(base.tail.weight, std=0.05)
    transition = build_transition("ftn", base, 2.5, groups=1)
    transition.transitions[0].slopes[0].data *= 0.5
    denoiser = ContinuousDenoiser(SPEC, base, 0.2, [Level(0.5, "ftn", {"groups": 1}, transition, {})])
    denoiser.save(path)
    return denoiser
