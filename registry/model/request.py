"""The content of a request, images and a level: parsed from JSON and validated."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ftn_core.parameters.quantities import Quantity
from ftn_core.utils.errors import UserError

LARGEST_VALUE = 16.0
"""Noise is not clipped, so values may leave [0, 1]. Larger ones are not noise but another scale, such as 0 .. 255."""

_IMAGES = ("inputs", "instances")


class TooLargeError(UserError):
    """The request is larger than one request may be."""


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


def read_json(body: bytes | bytearray, max_pixels: int) -> tuple[np.ndarray, dict[str, Any] | None]:
    """Images and ``params`` of a request to the service, ``{"inputs": [...], "params": {"sigma": 0.2}}``.

    ``instances`` means the same as ``inputs``, as in MLflow's protocol.

    Returns:
        The images as float32 of any shape, not validated yet, and ``params`` as they are.

    Raises:
        TooLargeError: there are more values than ``max_pixels`` have. They are counted before they are parsed.
        UserError: the body is not such JSON, or the images are not numbers.
    """
    import orjson

    if body.count(b",") > 3 * max_pixels:  # n values of nested lists have n - 1 commas
        raise TooLargeError(f"a request may hold {max_pixels:,} pixels: send fewer, or parts of the image")
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UserError(f"the request is not JSON: {error}") from None
    if not isinstance(request, dict):
        raise UserError(f"the request must be a JSON object with inputs, not {type(request).__name__}")
    images = [key for key in _IMAGES if key in request]
    if unknown := [key[:40] for key in request if key not in (*_IMAGES, "params")]:
        raise UserError(f"the request has an unknown key {unknown[0]!r}: there are inputs and params")
    if len(images) != 1:
        raise UserError("the request must have either inputs or instances: the images")
    _only_numbers(body, request)
    params = request.get("params")
    try:
        return np.array(request[images[0]], np.float32), params
    except (TypeError, ValueError):
        raise UserError("inputs must be lists of numbers, N x height x width x 3, all rows of one length") from None


def _only_numbers(body: bytes | bytearray, request: dict[str, Any]) -> None:
    """Refuse what the parsers would accept.

    NumPy reads "0.5", true and null as numbers. orjson takes the last of two equal keys.
    """
    params = request.get("params")
    keys = len(request) + (len(params) if isinstance(params, dict) else 0)
    if body.count(b'"') != 2 * keys:
        raise UserError("every value must be a number, not a string, and no key may be there twice")
    if any(word in body for word in (b"null", b"true", b"false")):
        raise UserError("every value must be a number: there is null, true or false")
