"""Weights of a file: of the right names, shapes and kind, and finite."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ftn_core.utils.errors import UserError

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def check_weights(path: Path, found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Compare a file's tensors with those that a module has.

    Raises:
        UserError: a tensor is missing or left over, has another shape or is of another kind, or is not finite.
    """
    for name in sorted(found.keys() ^ expected.keys()):
        raise UserError(f"{path} is damaged: tensor {name!r} is {'left over' if name in found else 'missing'}")
    for name, value in found.items():
        like = expected[name]
        if value.shape != like.shape:
            raise UserError(
                f"{path} is damaged: tensor {name!r} has shape {tuple(value.shape)}, not {tuple(like.shape)}"
            )
        if (value.dtype in _FLOATS) != like.is_floating_point() or value.is_complex():
            raise UserError(f"{path} is damaged: tensor {name!r} is of kind {value.dtype}")
        if like.is_floating_point() and not np.isfinite(value.to(like.dtype).numpy()).all():
            raise UserError(f"{path} is damaged: tensor {name!r} holds values that are not finite")


def load_weights(path: Path, found: Mapping[str, Tensor], module: nn.Module) -> None:
    """Give a module the weights of a file.

    Raises:
        UserError: as ``check_weights``.
    """
    check_weights(path, found, module.state_dict())
    module.load_state_dict(dict(found))
