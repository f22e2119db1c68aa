"""Changes values in ``params.yaml``. Every other character of the file stays."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML, MappingNode, ScalarNode, YAMLError

from ftn_core.parameters import parse_text
from ftn_core.utils.errors import UserError, disk_errors
from tasks.paths import PARAMS


def decode_yaml(text: str, origin: str) -> Any:  # noqa: ANN401 - whatever YAML holds
    """The value that a text in YAML 1.2 holds, as DVC reads it: ``1e-3`` is a number.

    Args:
        text: ``3000``, ``[0.5, 0.6]``, ``{name: l1}``, or a whole file.
        origin: Where it comes from, for the message.

    Raises:
        UserError: it is not YAML.
    """
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise UserError(f"{origin} is not valid YAML: {' '.join(str(error).split())}") from None


def read_params() -> str:
    """The text of ``params.yaml``.

    Raises:
        UserError: the file is missing.
    """
    try:
        return PARAMS.read_text()
    except FileNotFoundError:
        raise UserError(f"{PARAMS} does not exist: run this from the project's root") from None


def change_params(changes: Iterable[tuple[tuple[str, ...], Any]], origin: str) -> list[str]:
    """Write values into ``params.yaml``, all or none; arguments and lines are those of ``with_changes``.

    Raises:
        UserError: as there; or the file is missing or cannot be written. It then stays as it was.
    """
    before = read_params()
    text, lines = with_changes(before, changes, origin)
    if text != before:
        replace_file(PARAMS, text)
    return lines


def with_changes(text: str, changes: Iterable[tuple[tuple[str, ...], Any]], origin: str) -> tuple[str, list[str]]:
    """The text of ``params.yaml`` with other values, and one line for each that differed.

    Args:
        text: The file's text before.
        changes: Keys from the outermost inwards, and the value; made one after the other.
        origin: Where the values come from, for the message about what is not allowed.

    Raises:
        UserError: the text lacks a key, or would not be allowed.
    """
    lines = []
    for path, value in changes:
        start, end, prefix = _place(path, text, origin)
        old, new = text[start:end].removeprefix(prefix[:1]), _in_one_line(value)
        if repr(decode_yaml(old, origin)) != repr(value):  # 1 == True == 1.0
            text = text[:start] + prefix + new + text[end:]
            lines.append(f"{'.'.join(path)}: {' '.join(old.split())} -> {new}")
    parse_text(text, f"{PARAMS} with {origin}" if origin else str(PARAMS))
    return text, lines


def replace_file(path: Path, text: str) -> None:
    """Write a file at once: a kill or a full disk leaves the old one.

    Raises:
        UserError: the disk is full, or the folder read-only.
    """
    partial = path.with_name(f".{path.name}.partial")
    with disk_errors():
        try:
            partial.write_text(text)
            if path.exists():
                shutil.copymode(path, partial)
            partial.replace(path.resolve())
        finally:
            partial.unlink(missing_ok=True)


def _place(path: tuple[str, ...], text: str, origin: str) -> tuple[int, int, str]:
    """Where a value begins and ends in the text, and what must stand before a new one in its place."""
    try:
        key, value = None, YAML(typ="safe").compose(text)
    except YAMLError as error:
        raise UserError(f"{PARAMS} is not valid YAML: {' '.join(str(error).split())}") from None
    for name in path:
        pairs = value.value if isinstance(value, MappingNode) else []
        key, value = next((pair for pair in pairs if pair[0].value == name), (None, None))
    if key is None:
        raise UserError(f"{origin}: {PARAMS} has no key {'.'.join(path)}")
    colon = text.index(":", key.end_mark.index) + 1
    begin, end = value.start_mark.index, value.end_mark.index
    if begin == end:  # nothing, which is null
        return key.end_mark.index, colon, ": "
    if value.start_mark.line == key.start_mark.line:
        return begin, end, ""
    while not isinstance(value, ScalarNode) and not value.flow_style:  # the mark of a block's end may be lines below it
        value = value.value[-1][1] if isinstance(value, MappingNode) else value.value[-1]
    return key.end_mark.index, value.end_mark.index, ": "


def _in_one_line(value: Any) -> str:  # noqa: ANN401 - a value of YAML
    return yaml.safe_dump([value], default_flow_style=True, sort_keys=False, width=10**6)[1:-2]
