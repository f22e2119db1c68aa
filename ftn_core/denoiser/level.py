"""One adapted level and its file, which holds the transition and the hash of the base, not the base itself."""

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ftn_core.denoiser.transition import State, Transition, build_transition
from ftn_core.runtime.checkpoint import read_tensors, write_tensors
from ftn_core.runtime.weights import check_weights, with_weights
from ftn_core.utils.errors import UserError

_FORMAT = "ftn-level/1"
_STATISTICS = "statistics."


@dataclass
class AdaptedLevel:
    """One adapted level.

    Args:
        value: the level, in the task's quantity.
        method: name of a file in ``ftn_core/transitions``.
        options: the method's options.
        transition: maps the base's parameters to the level's.
        statistics: batch-norm buffers estimated at this level, by the base's names; empty without batch norm.
    """

    value: float
    method: str
    options: dict[str, Any]
    transition: Transition
    statistics: State


def save_level(path: Path, level: AdaptedLevel, ratio: float, base: nn.Module) -> None:
    """Write what was learned for a level.

    Args:
        ratio: the level's sigma divided by the base's, as ``build_transition`` takes it.
        base: the network that was adapted; the file holds its hash.
    """
    tensors = level.transition.state_dict() | {_STATISTICS + n: value for n, value in level.statistics.items()}
    header = {
        "format": _FORMAT,
        "value": level.value,
        "method": level.method,
        "options": level.options,
        "ratio": ratio,
        "base": weights_hash(base),
    }
    write_tensors(path, tensors, header)


def load_level(path: Path, base: nn.Module) -> AdaptedLevel:
    """Rebuild what ``save_level`` wrote, on the CPU.

    Raises:
        UserError: the file cannot be read, has another format or wrong weights, or its level was adapted from another
            base.
    """
    tensors, header = read_tensors(path)
    if header.get("format") != _FORMAT:
        raise UserError(f"{path} is of format {header.get('format')!r}; this version reads {_FORMAT!r}")
    if header["base"] != weights_hash(base):
        raise UserError(f"{path} was adapted from another base: run `dvc repro` to finetune it again")
    statistics = {n.removeprefix(_STATISTICS): t for n, t in tensors.items() if n.startswith(_STATISTICS)}
    build = partial(build_transition, header["method"], base, header["ratio"], **header["options"])
    transition = with_weights(path, {n: t for n, t in tensors.items() if not n.startswith(_STATISTICS)}, build)
    check_weights(path, statistics, {n: t for n, t in base.state_dict().items() if n in statistics})
    transition.requires_grad_(False)
    return AdaptedLevel(header["value"], header["method"], header["options"], transition, statistics)


def weights_hash(network: nn.Module) -> str:
    """SHA-256 of a network's weights and buffers, by name."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
