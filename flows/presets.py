"""Presets: ``python -m flows.presets paper-cpu`` writes the values of one into ``params.yaml``."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ftn_core.parameters import parse_parameters
from ftn_core.utils.errors import UserError
from tasks.paths import PARAMS

PRESETS = Path("presets")
VARIANTS = ("cpu", "gpu")
_VARIANT_KEYS = {"train": {"steps", "batch_size"}, "finetune": {"steps", "batch_size"}}


def known() -> list[str]:
    """The names of all presets, each with both variants."""
    return [f"{path.stem}-{variant}" for path in sorted(PRESETS.glob("*.yaml")) for variant in VARIANTS]


def read_preset(name: str) -> dict[str, Any]:
    """The values of a preset, with those of its variant; a name without variant means the CPU's.

    Raises:
        UserError: there is no such preset, or its variants differ in more than steps and batch.
    """
    stem, _, variant = name.rpartition("-")
    if variant not in VARIANTS:
        stem, variant = name, "cpu"
    path = PRESETS / f"{stem}.yaml"
    if not path.exists():
        raise UserError(f"there is no preset {name} (known: {', '.join(known())})")
    values: dict[str, Any] = yaml.safe_load(path.read_text())
    variants = {key: values.pop(key) for key in VARIANTS}
    for key, sections in variants.items():
        if {section: set(content) for section, content in sections.items()} != _VARIANT_KEYS:
            raise UserError(f"{path}: {key} must set steps and batch_size of train and finetune, and nothing else")
    for section, content in variants[variant].items():
        values[section] = values.get(section, {}) | content
    return values


def apply(name: str) -> list[str]:
    """Write a preset's values into ``params.yaml`` and keep all other text; returns one line for each change.

    Raises:
        UserError: there is no such preset, or ``params.yaml`` would become invalid. The file then stays as it was.
    """
    text = PARAMS.read_text()
    root = yaml.compose(text, yaml.SafeLoader)
    edits: list[tuple[int, int, str]] = []
    changes: list[str] = []
    for path, value in _leaves(read_preset(name)):
        node = _value_node(root, path)
        start, end = node.start_mark.index, node.end_mark.index
        old, new = text[start:end], yaml.safe_dump([value], default_flow_style=True, sort_keys=False, width=10**6)[1:-2]
        if yaml.safe_load(old) != value:
            edits.append((start, end, new))
            changes.append(f"{'.'.join(path)}: {old} -> {new}")
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    parse_parameters(yaml.safe_load(text), f"params.yaml with the preset {name}")
    PARAMS.write_text(text)
    return changes


def _leaves(values: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and key != "loss":  # a loss is replaced as a whole
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def _value_node(node: yaml.Node | None, path: tuple[str, ...]) -> yaml.Node:
    """The node that holds a key's value, with its place in the text."""
    for key in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        node = next((value for name, value in pairs if name.value == key), None)
    if node is None:
        raise UserError(f"{PARAMS} has no {'.'.join(path)}, which the preset sets: restore it from git")
    return node


def _lines(name: str) -> Iterator[str]:
    changes = apply(name)
    yield f"params.yaml is now {name}" if changes else f"params.yaml is {name} already"
    yield from (f"  {change}" for change in changes)


def main() -> None:
    """Apply the named preset; without a name, list all."""
    parser = argparse.ArgumentParser(prog="python -m flows.presets", description="write a preset into params.yaml")
    parser.add_argument("name", nargs="?", help="; ".join(known()))
    name = parser.parse_args().name
    try:
        print("\n".join(_lines(name) if name else known()))
    except UserError as error:
        print(f"preset: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
