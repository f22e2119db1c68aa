"""Writes a denoiser as an ONNX file, and compares the file with PyTorch before it gets its name."""

import hashlib
import os
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
import torch
from onnx_ir.passes.common import ClearMetadataAndDocStringPass
from torch import nn
from torch.onnx.errors import OnnxExporterError

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.utils.errors import UserError
from serving.export.dial_network import DialNetwork

TOLERANCE = 1e-4
"""The largest difference of a value between onnxruntime and PyTorch, for images in [0, 1]."""


class Size(NamedTuple):
    """Of images, in pixels."""

    width: int
    height: int


_SMALL = Size(50, 37)
"""Of the compared image; one side is even, the other odd."""


def write_onnx(
    path: Path, source: str, denoiser: ContinuousDenoiser, size: Size | None = None, level: float | None = None
) -> float:
    """Write the denoiser with its dial, or the plain network for one level; an earlier file is replaced.

    Args:
        source: the model's name, for the file's metadata.
        size: the only one that the file takes; None: it takes any.
        level: the only one; None: it is an input of the file.

    Returns:
        The largest difference from PyTorch.

    Raises:
        UserError: the denoiser cannot be exported, the folder cannot be written to, or the file differs from PyTorch
            by more than ``TOLERANCE``. Then no file is left behind.
    """
    network = DialNetwork(denoiser) if level is None else denoiser.fold(denoiser.position(level))
    program = _exported(network, size, with_level=level is None)
    program.model.metadata_props.update(_metadata(source, denoiser, level))
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        program.save(partial, external_data=False)
        difference = largest_difference(partial, denoiser, size or _SMALL, level)
        if not difference <= TOLERANCE:  # also if it is NaN
            raise UserError(f"the exported file differs from PyTorch by {difference:.1e}: {path} is not written")
        partial.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)
    return difference


def largest_difference(path: Path, denoiser: ContinuousDenoiser, size: Size, level: float | None) -> float:
    """Between the file in onnxruntime and the denoiser, on one image at its one level, or at three of its dial."""
    first, last = denoiser.span
    levels = [denoiser.level_at(first + share * (last - first)) for share in (0, 0.4, 1)] if level is None else [level]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    image = np.random.default_rng(0).random((1, 3, size.height, size.width), np.float32)
    differences = []
    for at in levels:
        given = {"level": np.array(at, np.float32)} if level is None else {}
        (restored,) = session.run(["restored"], {"image": image, **given})
        with torch.inference_mode():
            expected = denoiser.fold(denoiser.position(at))(torch.from_numpy(image))
        differences.append(np.abs(restored - expected.numpy()).max())
    return float(np.max(differences))


def _exported(network: nn.Module, size: Size | None, *, with_level: bool) -> torch.onnx.ONNXProgram:
    width, height = size or _SMALL
    sides = None if size else {2: torch.export.Dim("height"), 3: torch.export.Dim("width")}
    image, dial = torch.zeros(1, 3, height, width), torch.tensor(0.0)
    try:
        with warnings.catch_warnings(action="ignore"):  # of PyTorch about itself
            program = torch.onnx.export(
                network.eval(), (image, dial) if with_level else (image,),
                input_names=["image", "level"] if with_level else ["image"], output_names=["restored"],
                dynamic_shapes=(sides, None) if with_level else (sides,), dynamo=True, verbose=False,
            )  # fmt: skip
    except OnnxExporterError as error:
        reason = str(error.__cause__ or error).strip().partition("\n")[0]
        raise UserError(f"this network cannot be exported to ONNX: {reason}") from error
    assert program
    ClearMetadataAndDocStringPass()(program.model)  # traces with the names of this machine's folders
    return program


def _metadata(source: str, denoiser: ContinuousDenoiser, level: float | None) -> dict[str, str]:
    weakest, strongest = (str(float(end)) for end in denoiser.ends)
    found = {
        "quantity": denoiser.task.quantity.name,
        "weakest": weakest,
        "strongest": strongest,
        "source": source,
    }
    if level is not None:
        found["level"] = str(level)
    if Path(source).is_file():
        found["sha256"] = hashlib.sha256(Path(source).read_bytes()).hexdigest()
    return found
