"""Weights of a file: of the right names, shapes and kind, and finite."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ftn_core.utils.errors import UserError

_Module = TypeVar("_Module", bound=nn.Module)
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


def with_weights(path: Path, found: Mapping[str, Tensor], build: Callable[[], _Module]) -> _Module:
    """What ``build`` makes, with the weights of a file.

    They are compared before: a header of a few bytes can ask for more than fits into memory.

    Raises:
        UserError: as ``check_weights``.
    """
    with torch.device("meta"), _NothingDrawn():  # has shapes, and takes no memory
        expected = build().state_dict()
    check_weights(path, found, expected)
    module = build()
    module.load_state_dict(dict(found))
    return module


class _NothingDrawn(TorchFunctionMode):
    """Leaves out drawing normal numbers: PyTorch imports code for a second to draw none on ``meta``."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever func gives
        return args[0] if func is Tensor.normal_ else func(*args, **(kwargs or {}))
