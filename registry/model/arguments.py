"""The arguments of the model's ``predict``, images and a level: validated."""

from collections.abc import Mapping

import numpy as np

from ftn_core.parameters.quantities import Quantity
from ftn_core.utils.errors import UserError

LARGEST_VALUE = 16.0
"""Noise is not clipped, so values may leave [0, 1]. Larger ones are not noise but another scale, such as 0 .. 255."""


def checked_images(value: object) -> np.ndarray:
    """The images as ``N x H x W x 3`` of float32, C-contiguous, no side 0.

    Raises:
        UserError: it is not an array of floats of that shape, or a value is not finite or too far from [0, 1].
    """
    if not isinstance(value, np.ndarray):
        raise UserError(f"images must be one array of N x height x width x 3, not {type(value).__name__}")
    value = np.asarray(value)  # without the mask of a masked array, which has no meaning here
    if value.ndim != 4 or value.shape[3] != 3 or 0 in value.shape:
        shape = " x ".join(map(str, value.shape)) or "a single value"
        raise UserError(f"images must be N x height x width x 3 and not empty, not {shape}")
    if value.dtype.kind != "f":
        raise UserError(f"images must be floats in [0, 1], not {value.dtype}")
    low, high = value.min(), value.max()  # both are NaN where one value is
    if not np.isfinite(low) or not np.isfinite(high):
        raise UserError("every value must be a finite number: there are NaN or infinite ones")
    if max(-low, high) > LARGEST_VALUE:
        raise UserError(f"values go from {low:.4g} to {high:.4g}, but the scale is [0, 1]: divide 0 .. 255 by 255")
    return np.ascontiguousarray(value, np.float32)


def checked_level(params: object, quantity: Quantity, default: float) -> float:
    """The level in ``params``, under the quantity's name; the default where there is none.

    Raises:
        UserError: ``params`` has another key, or its level is not a number in the quantity's range.
    """
    if params is None:
        return default
    if not isinstance(params, Mapping):
        raise UserError(f'params must be like {{"{quantity.name}": {default:.4g}}}, not {type(params).__name__}')
    if unknown := [str(key)[:40] for key in params if key != quantity.name]:
        raise UserError(f"params has an unknown key {unknown[0]!r}: there is only {quantity.name}")
    level = params.get(quantity.name, default)
    level = level.item() if isinstance(level, np.number) else level
    if isinstance(level, bool) or not isinstance(level, int | float):
        raise UserError(f"{quantity.name} must be a number, not {type(level).__name__}")
    try:
        quantity.check_dial(level)
    except ValueError as error:
        raise UserError(str(error)) from None
    return float(level)
