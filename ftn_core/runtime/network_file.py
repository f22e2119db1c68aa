"""One trained network in one file: its weights, and a header from which the network can be built."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from ftn_core.parameters.file_header import NetworkHeader, check_header
from ftn_core.parameters.network import Network
from ftn_core.runtime.checkpoint import read_tensors, write_tensors
from ftn_core.runtime.weights import with_weights
from ftn_core.utils.errors import UserError
from ftn_core.utils.plugins import load_class

_FORMAT = "ftn-network/1"


def build_network(name: str, channels: int, depth: int, inputs: int = 3) -> nn.Module:
    """An untrained network, ``N x inputs x H x W`` to ``N x 3 x H x W``, for any height and width.

    The first three channels of its input are the image. A fourth may be a map of the noise level
    (``noise_conditioned.py``). Every network has these attributes:

    - ``body``: the part that methods adapt.
    - ``radius``: of its receptive field, in pixels; an output pixel depends on no input pixel farther away. None: it
      depends on the whole image.
    - ``homogeneous``: whether scaling the image, all biases and all running means by a factor scales the output by it.
      Convolutions, ReLUs and skips do. What normalises by the image itself, or bounds its output, does not.
    - ``cell``: how many pixels of the image are as wide as one pixel of the body; networks without a radius need none.

    Args:
        name: of a file in ``ftn_core/networks``, as in ``params.yaml``.
        channels: of the body.
        depth: number of convolutions or blocks; each network says what it counts.
        inputs: channels of the input, 3 or 4.
    """
    return load_class("ftn_core.networks", name, nn.Module)(channels, depth, inputs)


def network_spec(options: Network, inputs: int = 3) -> dict[str, Any]:
    """The arguments of ``build_network``, from section ``network`` of the parameters."""
    return options.model_dump() | ({"inputs": inputs} if inputs != 3 else {})


def network_with(path: Path, tensors: dict[str, Tensor], spec: dict[str, Any]) -> nn.Module:
    """A network with the weights of a file.

    Raises:
        UserError: the weights are not those of such a network, or not finite.
    """
    return with_weights(path, tensors, partial(build_network, **spec))


@dataclass
class TrainedNetwork:
    """A base network or a baseline.

    Args:
        spec: the arguments of ``build_network``.
        network: with trained weights.
        level: that it was trained for.
    """

    spec: dict[str, Any]
    network: nn.Module
    level: float

    def save(self, path: Path) -> None:
        """Write one file from which ``load`` rebuilds all of this."""
        header = {"format": _FORMAT, "network": self.spec, "level": self.level}
        write_tensors(path, dict(self.network.state_dict()), header)

    @classmethod
    def load(cls, path: Path, device: torch.device | str = "cpu") -> Self:
        """Rebuild what ``save`` wrote, in evaluation mode.

        Raises:
            UserError: the file cannot be read, has another format, or is damaged.
        """
        tensors, header = read_tensors(path)
        if header.get("format") != _FORMAT:
            raise UserError(f"{path} is of format {header.get('format')!r}; this version reads {_FORMAT!r}")
        check_header(header, NetworkHeader, path)
        network = network_with(path, tensors, header["network"])
        network.eval().requires_grad_(False)
        # convolutions are fastest in this memory layout
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(header["network"], network, header["level"])
