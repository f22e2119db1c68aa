"""A model for programs: it takes a picture as NumPy, PIL or PyTorch has it, and returns the same kind."""

from functools import singledispatchmethod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.noise_level.estimate import estimate_sigma
from ftn_core.parameters.quantities import Quantity
from ftn_core.released.models import load_released
from ftn_core.runtime.images import restore
from ftn_core.utils.errors import UserError


def load_restorer(model: str | Path) -> "Restorer":
    """See ``ftn_core.load``."""
    return Restorer(load_released(model))


class Restorer:
    """``restored = model(image, sigma=0.05)``; the keyword is the quantity of the model's dial.

    For a model of noise the keyword may be left out: then sigma is estimated from the picture.
    """

    def __init__(self, denoiser: ContinuousDenoiser) -> None:
        self.denoiser = denoiser
        self._network: nn.Module | None = None

    @property
    def quantity(self) -> Quantity:
        """What the dial sets: ``sigma`` for noise on the scale [0, 1], ``quality`` for JPEG, ``scale``."""
        return self.denoiser.task.quantity

    @property
    def ends(self) -> tuple[float, float]:
        """The dial's ends, the weakest first. A level beyond them is replaced by the nearest end."""
        return self.denoiser.ends

    def to(self, device: torch.device | str) -> "Restorer":
        """Restore on this device from now on."""
        self.denoiser.to(torch.device(device))
        self._network = None
        return self

    def __call__(self, image: Any, **level: float) -> Any:  # noqa: ANN401 - the kind that came in goes out
        """Restore a picture.

        Args:
            image: a PIL image (RGB or grey); a NumPy array ``H x W`` or ``H x W x 3`` of uint8, uint16, or floats in
                [0, 1]; or a tensor ``3 x H x W`` or ``N x 3 x H x W`` of floats in [0, 1], on any device.
            level: one keyword, named as the model's quantity.

        Returns:
            The restored picture: of the same kind, shape and type, floats clipped to [0, 1].

        Raises:
            TypeError: the keyword is another than the model's quantity, or the image is of another kind.
            ValueError: the level is out of range, or the image has another shape.
            UserError: no level is given, and the model's quantity cannot be estimated.
        """
        name = self.quantity.name
        if set(level) - {name}:
            raise TypeError(f"this model's dial is {self.quantity}: give {name}=, not {', '.join(level)}=")
        if level:
            self.quantity.check_dial(level[name])
        elif not self.denoiser.task.degradation.by_noise_alone:
            raise UserError(
                f"only noise is estimated from a picture: give {name}=, from {self.ends[0]} to {self.ends[1]}"
            )
        return self._restore(image, level.get(name))

    @singledispatchmethod
    def _restore(self, image: Any, level: float | None) -> Any:  # noqa: ANN401
        raise TypeError(f"a PIL image, a NumPy array or a tensor is needed, not {type(image).__name__}")

    @_restore.register
    def _(self, image: Image.Image, level: float | None) -> Image.Image:
        if image.mode not in ("RGB", "L"):
            raise ValueError(f"an image of mode RGB or L is needed, not {image.mode}: image.convert('RGB')")
        return Image.fromarray(self._restore(np.asarray(image), level))

    @_restore.register
    def _(self, image: np.ndarray, level: float | None) -> np.ndarray:
        if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
            raise ValueError(f"an array of H x W or H x W x 3 is needed, not of shape {image.shape}")
        if image.dtype not in (np.uint8, np.uint16) and not np.issubdtype(image.dtype, np.floating):
            raise TypeError(f"uint8, uint16 or floats in [0, 1] are needed, not {image.dtype}")
        full = 1.0 if np.issubdtype(image.dtype, np.floating) else float(np.iinfo(image.dtype).max)
        colours = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
        tensor = torch.from_numpy(colours.astype(np.float32) / np.float32(full)).permute(2, 0, 1)
        found = self._restore(tensor, level).permute(1, 2, 0).numpy() * full
        found = found if image.ndim == 3 else found.mean(axis=2)
        return (found if full == 1 else found.round()).astype(image.dtype)

    @_restore.register
    def _(self, image: Tensor, level: float | None) -> Tensor:
        if image.ndim == 3:
            return self._restore(image[None], level)[0]
        if image.ndim != 4 or image.shape[1] != 3 or not image.is_floating_point():
            raise ValueError(
                f"floats of 3 x H x W or N x 3 x H x W are needed, not {image.dtype} of {tuple(image.shape)}"
            )
        return torch.cat([self._one(picture[None], level) for picture in image])

    def _one(self, image: Tensor, level: float | None) -> Tensor:
        if level is None:
            level = estimate_sigma(image)
        device = next(self.denoiser.base.parameters()).device
        self._network = self.denoiser.fold(self.denoiser.position(level), self._network)
        return restore(self._network, image.float().to(device)).to(image)
