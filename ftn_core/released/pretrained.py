"""Weights that exist as the start of a training."""

from typing import Any

from torch import nn

from ftn_core.released.models import RELEASED, WEIGHTS, load_released
from ftn_core.runtime.network_file import build_network
from ftn_core.utils.errors import UserError


def pretrained_network(name: str, spec: dict[str, Any], level: float) -> nn.Module:
    """The plain network that a model has at a level.

    Args:
        name: of a released model, or of a file in ``weights/`` that the pipeline wrote.
        spec: the arguments of ``build_network`` for the network that is to be trained.

    Raises:
        UserError: there is no such model, or its network is another than the one to be trained.
    """
    if name not in RELEASED and not (WEIGHTS / name).is_file():
        raise UserError(
            f"train.start: there is no {name}: take one of {', '.join(RELEASED)}, or put a file in weights/"
        )
    denoiser = load_released(name if name in RELEASED else WEIGHTS / name)
    network = build_network(**spec)
    folded = denoiser.fold(denoiser.position(level)).state_dict()
    if denoiser.spec != spec or folded.keys() != network.state_dict().keys():
        wanted = ", ".join(f"{key} {value}" for key, value in denoiser.spec.items())
        raise UserError(f"train.start: {name} is another network: set network to {wanted}, without layers of a method")
    network.load_state_dict(folded)
    return network
