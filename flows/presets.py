"""Presets: ``python -m flows.presets paper-cpu`` writes the values of one into ``params.yaml``."""

import argparse
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

from flows.params_file import change_params, decode_yaml
from ftn_core.utils.errors import UserError
from tasks.paths import PARAMS

PRESETS = Path("presets")
VARIANTS = ("cpu", "gpu")
_VARIANT_KEYS = {"train": {"steps", "batch_size"}, "finetune": {"steps", "batch_size"}}


def known() -> list[str]:
    """The names of all presets, each with both variants."""
    return [f"{path.stem}-{variant}" for path in sorted(PRESETS.glob("*.yaml")) for variant in VARIANTS]


def purpose(path: Path) -> str:
    """What a preset is for: the first sentence of the comment at the top of its file."""
    comment = takewhile(lambda line: line.startswith("#"), path.read_text().splitlines())
    return " ".join(line.lstrip("# ") for line in comment).partition(". ")[0].rstrip(".")


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
    values: dict[str, Any] = decode_yaml(path.read_text(), str(path))
    variants = {key: values.pop(key) for key in VARIANTS}
    for key, sections in variants.items():
        if {section: set(content) for section, content in sections.items()} != _VARIANT_KEYS:
            raise UserError(f"{path}: {key} must set steps and batch_size of train and finetune, and nothing else")
    for section, content in variants[variant].items():
        values[section] = values.get(section, {}) | content
    return values


def apply(name: str) -> list[str]:
    """Write a preset's values into ``params.yaml``; returns one line for each change.

    Raises:
        UserError: there is no such preset, or ``params.yaml`` would become invalid. The file then stays as it was.
    """
    return change_params(leaves(read_preset(name)), f"the preset {name}")


def current_preset() -> str | None:
    """The preset whose values ``params.yaml`` has; ``None`` if it has those of none."""
    values = decode_yaml(PARAMS.read_text(), str(PARAMS))
    return next((name for name in known() if all(_has(values, *leaf) for leaf in leaves(read_preset(name)))), None)


def _has(values: Any, path: tuple[str, ...], wanted: Any) -> bool:  # noqa: ANN401 - values of YAML
    for key in path:
        values = values.get(key) if isinstance(values, dict) else None
    return bool(values == wanted)


def leaves(values: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Keys and values as ``change_params`` takes them."""
    for key, value in values.items():
        if isinstance(value, dict) and key != "loss":  # a loss is replaced as a whole
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def _written(name: str) -> Iterator[str]:
    changes = apply(name)
    yield f"params.yaml is now {name}" if changes else f"params.yaml is {name} already"
    yield from (f"  {change}" for change in changes)


def _listed() -> Iterator[str]:
    yield f"make preset PRESET=NAME, where NAME ends with {' or '.join(f'-{variant}' for variant in VARIANTS)}:"
    yield from (f"  {path.stem:<12}{purpose(path)}" for path in sorted(PRESETS.glob("*.yaml")))


def main() -> None:
    """Apply the named preset; without a name, say what each is for."""
    parser = argparse.ArgumentParser(prog="python -m flows.presets", description="write a preset into params.yaml")
    parser.add_argument("name", nargs="?", help="; ".join(known()))
    name = parser.parse_args().name
    try:
        print("\n".join(_written(name) if name else _listed()))
    except UserError as error:
        print(f"preset: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
