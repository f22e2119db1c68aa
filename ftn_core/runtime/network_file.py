"""One trained network in one file: weights, and a header that can build the network again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import nn

from ftn_core.parameters.network import Network
from ftn_core.runtime.checkpoint import read_tensors, write_tensors
from ftn_core.utils.errors import UserError
from ftn_core.utils.plugins import load_class

_FORMAT = "ftn-network/1"


def build_network(name: str, channels: int, depth: int, inputs: int = 3) -> nn.Module:
    """A network with fresh weights, ``N x inputs x H x W`` to ``N x 3 x H x W``, any height and width.

    The first three channels of its input are the image; a fourth may be a map of the noise level
    (``noise_conditioned.py``). Every network has a ``body``, its residual part. Its ``radius`` says how far it looks: an
    output pixel depends on no input farther away, in pixels (None: on the whole image). Its ``cell`` says how many
    pixels wide a pixel of its body is.

    Args:
        name: of a file in ``ftn_core/networks``, as in ``params.yaml``.
        channels: of the body.
        depth: convolutions or blocks, as the network counts them.
    """
    return load_class("ftn_core.networks", name, nn.Module)(channels, depth, inputs)


def network_spec(options: Network, inputs: int = 3) -> dict[str, Any]:
    """What ``build_network`` takes, from ``network`` of the parameters."""
    return options.model_dump() | ({"inputs": inputs} if inputs != 3 else {})


@dataclass
class TrainedNetwork:
    """A base network or a baseline: how it is built, its weights, and the level that it was trained for."""

    spec: dict[str, Any]
    network: nn.Module
    level: float

    def save(self, path: Path) -> None:
        """Write one file that rebuilds all of it."""
        header = {"format": _FORMAT, "network": self.spec, "level": self.level}
        write_tensors(path, dict(self.network.state_dict()), header)

    @classmethod
    def load(cls, path: Path, device: torch.device | str = "cpu") -> Self:
        """Rebuild what ``save`` wrote, in evaluation mode. Raises ``UserError`` where the file is not such a one."""
        tensors, header = read_tensors(path)
        if header.get("format") != _FORMAT:
            raise UserError(f"{path} is of format {header.get('format')!r}; this version reads {_FORMAT!r}")
        network = build_network(**header["network"])
        network.load_state_dict(tensors)
        network.eval().requires_grad_(False)
        # convolutions are fastest in this layout
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(header["network"], network, header["level"])
