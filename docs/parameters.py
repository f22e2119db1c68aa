"""docs/parameters.md, from the schema of ``params.yaml`` and from nothing else: ``python docs/parameters.py``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ftn_core.parameters import Parameters

PAGE = Path(__file__).with_suffix(".md")
Schema = dict[str, Any]

HEAD = """# Parameters

Every key of [params.yaml](../params.yaml): what is allowed, and what it does. A wrong key or value is refused by name
before anything runs. `dvc exp run -S train.steps=3000` changes one without an edit.

A **level** says how strongly a photograph is degraded: as the noise's standard deviation (sigma) for images from 0 to
1, as a camera's grain, as JPEG quality, or as the factor by which it was made smaller ([more](degradations.md)). 0.2 is
51/255.

This page is made by `make docs` from the schema in `ftn_core/parameters`.
"""
TABLE = "| key | allowed | what it does |\n|---|---|---|"


def render() -> str:
    """The whole page: single values, then a table for each section, then the options of losses."""
    schema = Parameters.model_json_schema()
    parts: Schema = schema["$defs"]
    single: list[str] = []
    losses: Schema = {}
    pages: list[list[str]] = []
    for key, field in schema["properties"].items():
        section = _section(field, parts)
        choices = _choices(_entry(field), parts)
        if section:
            pages.append([f"## {key}", _text(section), TABLE, *_rows(section, f"{key}.", parts)])
            losses |= _choices(section["properties"].get("loss", {}), parts)
        elif choices:
            pages.append([f"## {key}", _text(field), *_options(choices)])
        else:
            single.append(_row(key, field))
    pages.append(["## Options of losses", "Of `train.loss` and `finetune.loss`.", *_options(losses)])
    return "\n".join([HEAD, TABLE, *single, *("\n" + _joined(page) for page in pages)]) + "\n"


def _joined(page: list[str]) -> str:
    """Heading and text as paragraphs, rows of a table without empty lines between them."""
    return "".join(part + ("\n" if part.startswith("|") else "\n\n") for part in page).rstrip()


def _rows(section: Schema, prefix: str, parts: Schema) -> Iterator[str]:
    for key, field in section["properties"].items():
        if choices := _choices(field, parts):
            names = ", ".join(f"`{name}`" for name in choices)
            yield f"| `{prefix}{key}.name` | {names} | {_text(field)} |"
        elif "$ref" not in field:
            yield _row(prefix + key, field)
        for choice in field.get("anyOf", [field]):
            yield from _rows(_section(choice, parts) or {"properties": {}}, f"{prefix}{key}.", parts)


def _row(key: str, field: Schema) -> str:
    return f"| `{key}` | {_allowed(field)} | {_text(field)} |"


def _section(field: Schema, parts: Schema) -> Schema | None:
    found: Schema | None = parts.get(field.get("$ref", "").rpartition("/")[2])
    return found


def _entry(field: Schema) -> Schema:
    """What an entry of a list or of a mapping with free names may be."""
    (entry,) = [field["items"]] if "items" in field else field.get("patternProperties", {"": {}}).values()
    return dict(entry)


def _choices(field: Schema, parts: Schema) -> dict[str, Schema]:
    """By name, the sections from which an entry chooses; empty if it does not."""
    chosen = field.get("discriminator", {}).get("mapping", {})
    return {name: parts[reference.rpartition("/")[2]] for name, reference in chosen.items()}


def _options(choices: dict[str, Schema]) -> Iterator[str]:
    """A table of the options of each choice; those that all have stand first."""
    (tag,) = {key for section in choices.values() for key in section["properties"]} & {"name", "method"}
    every = set.intersection(*(set(section["properties"]) for section in choices.values())) - {tag}
    first = next(iter(choices.values()))["properties"]
    yield f"| `{tag}` | option | allowed | what it does |\n|---|---|---|---|"
    if every:
        yield from (f"| any {_row(key, first[key])}" for key in first if key in every)
    for name, section in choices.items():
        yield f"| `{name}` | | | {_text(section)} |"
        yield from (f"| {_row(key, field)}" for key, field in section["properties"].items() if key not in {tag, *every})


def _text(schema: Schema) -> str:
    return " ".join(schema["description"].replace("``", "`").split())


def _allowed(field: Schema) -> str:
    """What a value may be, in words."""
    match field:
        case {"anyOf": choices}:
            return " or ".join(_allowed(choice) for choice in choices)
        case {"enum": values}:
            return ", ".join(f"`{value}`" for value in values)
        case {"const": value}:
            return f"`{value}`"
        case {"$ref": _}:
            return "a mapping"
        case {"type": "array", "items": items}:
            return f"list: {_allowed(items)}"
        case {"type": "boolean"}:
            return "true, false"
        case {"type": "string"}:
            return "text"
        case {"type": "null"}:
            return "null"
        case {"title": "level"}:
            return "level"
    bounds = {
        "from {}": field.get("minimum", field.get("ge")),
        "above {}": field.get("exclusiveMinimum", field.get("gt")),
        "to {}": field.get("maximum", field.get("le")),
        "below {}": field.get("exclusiveMaximum", field.get("lt")),
    }
    bounds = {words: "2^32" if bound == 2**32 else bound for words, bound in bounds.items()}
    kind = "whole number" if field["type"] == "integer" else "number"
    return " ".join([kind, *(words.format(bound) for words, bound in bounds.items() if bound is not None)])


if __name__ == "__main__":
    PAGE.write_text(render())
