"""Reads ``params.yaml``, and describes in one line what is wrong with it."""

import difflib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from ftn_core.parameters.degradation import StepOptions
from ftn_core.parameters.losses import LossOptions
from ftn_core.parameters.parameters import Parameters
from ftn_core.parameters.read_yaml import read_yaml
from ftn_core.parameters.transitions import AnyTransition
from ftn_core.utils.errors import UserError


def load_parameters(path: Path = Path("params.yaml")) -> Parameters:
    """Read and check ``params.yaml``.

    Raises:
        UserError: the file is missing or not YAML, or a key is unknown, missing, of the wrong type or out of
            range. The message names every such key, its value and the allowed values.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: run this from the project's root") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not valid YAML: {error}") from None
    return parse_text(text, str(path))


def parse_text(text: str, origin: str) -> Parameters:
    """Check the text of a ``params.yaml``.

    Raises:
        UserError: as ``load_parameters``.
    """
    return parse_parameters(read_yaml(text, origin), origin)


def parse_parameters(values: Any, origin: str = "params.yaml") -> Parameters:  # noqa: ANN401 - whatever YAML read
    """Check values that were read from YAML.

    Args:
        values: what the YAML parser returned.
        origin: name of the values in messages.

    Raises:
        UserError: as ``load_parameters``.
    """
    if not isinstance(values, dict):
        raise UserError(f"{origin} must be a mapping of keys to values, not {type(values).__name__}")
    try:
        return Parameters.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{origin}: " + "; ".join(_explain(e) for e in error.errors())) from None


def _explain(error: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    # pydantic adds the branch of a union to the location; keep only keys and indices
    location = [part for part in error["loc"] if part not in ("Archive",) and "[" not in str(part)]
    if location[:1] in (["transitions"], ["degradation"]) or location[1:2] == ["loss"]:
        location[2:3] = []  # the discriminator, by which pydantic chose the entry's type
    key = ".".join(str(part) for part in location)
    message = error["msg"].removeprefix("Value error, ")
    match error["type"]:
        case "extra_forbidden":
            known = _known_keys(error["loc"][:-1])
            close = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
            return f"unknown key {key}" + (f", did you mean {close[0]}?" if close else f" (known: {', '.join(known)})")
        case "missing":
            return f"key {key} is missing"
        case "value_error":
            return f"{key}: {message}" if key else message
        case _:
            return f"{key} = {error['input']!r} is not allowed: {message[0].lower()}{message[1:]}"


def _known_keys(location: tuple[str | int, ...]) -> list[str]:
    # the third part is the discriminator, by which pydantic chose the type
    for union, tag in ((AnyTransition, "method"), (StepOptions, "name"), (LossOptions, "name")):
        for choice in get_args(get_args(union)[0]):
            if len(location) > 2 and location[2] in get_args(choice.model_fields[tag].annotation):
                return list(choice.model_fields)
    model: type[BaseModel] = Parameters
    for part in location:
        fields = {f.alias or name: f for name, f in model.model_fields.items()}
        if part in fields:
            annotation = fields[str(part)].annotation
            candidates = [annotation, *getattr(annotation, "__args__", ())]
            model = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), model)
    return [f.alias or name for name, f in model.model_fields.items()]
