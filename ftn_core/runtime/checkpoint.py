"""Self-describing files: safetensors with a JSON header, written atomically."""

import contextlib
import glob
import json
import os
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from ftn_core.utils.errors import UserError

_KEY = "ftn"


def write_tensors(path: Path, tensors: dict[str, Tensor], header: dict[str, Any]) -> None:
    """Write tensors and a header to one file, atomically. The same content gives the same bytes.

    The header is one entry of safetensors' metadata, because safetensors writes several entries in varying order.

    Raises:
        UserError: the file cannot be written, for example because the disk is full. An older one stays.
    """
    detached = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f"{glob.escape(path.name)}.*.partial"):  # by a killed process
            left.unlink()
        safetensors.torch.save_file(detached, partial, {_KEY: json.dumps(header, sort_keys=True)})
        partial.replace(path)
    except (OSError, safetensors.SafetensorError) as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise UserError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from None


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the tensors, on the CPU, and the header.

    Raises:
        UserError: the file is missing, damaged, or was not written by ``write_tensors``.
    """
    if path.exists() and not path.is_file():  # reading a pipe would wait for ever
        raise UserError(f"{path} is not a file")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: run `dvc repro` to make it") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from None
    except safetensors.SafetensorError as error:
        raise UserError(f"{path} is no file of ftn's, or damaged ({error})") from None
    if _KEY not in metadata:
        raise UserError(f"{path} was not written by ftn: its header holds no {_KEY!r} entry")
    try:
        header = json.loads(metadata[_KEY])
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise UserError(f"{path} is damaged: its header is not a JSON object")
    return tensors, header
