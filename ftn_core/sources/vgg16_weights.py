"""Trained weights of VGG16's features, from torchvision, from an installed package, or from a file."""

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

import safetensors.torch
import torch
from torch import Tensor
from torchvision.models import VGG16_Weights

from ftn_core.losses.vgg16 import layers_to
from ftn_core.utils.errors import UserError

_PACKAGE, _FILE = "stlpips-pytorch", "stlpips_pytorch/weights/vST0.0/vgg_shift_tolerant.pth"
_REMEDY = (
    "or set features.weights to torchvision, stlpips, or a file in features/ with the weights of torchvision's vgg16"
)


def read_weights(source: str, deepest: str, folder: Path) -> dict[str, Tensor]:
    """Weights of VGG16's convolutions up to layer ``deepest``, by their names in torchvision's ``vgg16().features``.

    Args:
        source: ``torchvision`` (ImageNet, downloads 528 MB once), ``stlpips`` (from the package; docs/losses.md), or
            the name of a file in ``folder``: ``.safetensors``, or a state dict written by ``torch.save``.
        deepest: a name in ``LAYERS``.

    Raises:
        UserError: the weights cannot be read, or do not fit VGG16. The message says why and what to do.
    """
    wanted = layers_to(deepest).state_dict()
    if source == "torchvision":
        found, origin = _torchvision(), "torchvision's weights"
    elif source == "stlpips":
        found, origin = _stlpips(wanted), f"the package {_PACKAGE}"
    else:
        found, origin = _file(folder / source), str(folder / source)
    return {name: _checked(found, f"features.{name}", value.shape, origin) for name, value in wanted.items()}


def _torchvision() -> Mapping[str, Any]:
    try:
        return VGG16_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)
    except (URLError, OSError, RuntimeError) as error:
        raise UserError(
            f"features.weights: torchvision could not download VGG16 ({' '.join(str(error).split())}): set it to "
            "stlpips, whose weights are installed, or to a file with the weights of torchvision's vgg16"
        ) from None


def _stlpips(wanted: Mapping[str, Tensor]) -> Mapping[str, Any]:
    # the package is not imported, because it needs packages that it does not declare
    try:
        path = importlib.metadata.distribution(_PACKAGE).locate_file(_FILE)
    except importlib.metadata.PackageNotFoundError:
        raise UserError(f"features.weights: the package {_PACKAGE} is not installed: `make setup`, {_REMEDY}") from None
    found = _file(Path(str(path)))
    # its convolutions are in VGG16's order, but the blur after each pooling shifts their numbers
    theirs = [name for name in found if name.startswith("net.") and name.endswith((".weight", ".bias"))]
    return {f"features.{ours}": found[name] for ours, name in zip(wanted, theirs, strict=False)}


def _file(path: Path) -> Mapping[str, Any]:
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
        why = f"it holds a {type(found).__name__}, not a state dict"
    except OSError as error:
        raise UserError(
            f"features.weights: {path} cannot be read ({error.strerror or error}): correct it, {_REMEDY}"
        ) from None
    except Exception as error:  # both loaders can raise almost anything for other files
        found, why = None, type(error).__name__
    if not isinstance(found, Mapping):
        with path.open("rb") as file:
            begins = file.read(12)
        raise UserError(
            f"features.weights: {path} holds no weights ({why}; it begins with {begins!r}): get it again, {_REMEDY}"
        )
    return found


def _checked(found: Mapping[str, Any], name: str, shape: torch.Size, origin: str) -> Tensor:
    value = found.get(name)
    if not isinstance(value, Tensor):
        known = ", ".join(list(map(str, found))[:3]) or "nothing"
        raise UserError(f"features.weights: {origin} has no tensor {name} (it has {known}, ...): {_REMEDY[3:]}")
    if value.shape != shape:
        raise UserError(
            f"features.weights: {name} of {origin} has the shape {tuple(value.shape)}, VGG16's is {tuple(shape)}: "
            f"{_REMEDY[3:]}"
        )
    if not value.isfinite().all():
        raise UserError(
            f"features.weights: {name} of {origin} holds values that are not finite: get it again, {_REMEDY}"
        )
    return value.float()
