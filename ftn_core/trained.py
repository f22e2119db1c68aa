"""One trained network in one file: weights, and a header that can build the network again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import nn

from ftn_core.checkpoint import read_tensors, write_tensors
from ftn_core.errors import UserError
from ftn_core.networks import build_network

_FORMAT = "ftn-network/1"


@dataclass
class TrainedNetwork:
    """A base network or a reference: how it is built, its weights, and the level that it was trained for."""

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
        # in which convolutions are fastest
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(header["network"], network, header["level"])
