"""Reads YAML that people write, and refuses what would be read otherwise than they meant it."""

from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ftn_core.utils.errors import UserError

_DIGITS = {"int": 13, "float": 30}
"""The longest numbers, with underscores; none of the schema's needs more."""


def read_yaml(text: str, origin: str) -> Any:  # noqa: ANN401 - whatever YAML holds
    """The value that a text holds.

    Args:
        text: in YAML 1.1.
        origin: name of the text in messages.

    Raises:
        UserError: it is not YAML, has an anchor within another, a key twice, or a number too long or in base 60.
    """
    try:
        _check_anchors(text, origin)
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _check(node, "", origin)
        return loader.construct_document(node)
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{origin} is not valid YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise UserError(f"{origin} is not valid YAML: it is nested too deeply") from None


def _check_anchors(text: str, origin: str) -> None:
    """Anchors within anchors multiply: a few lines become more values than fit into memory."""
    around: list[str | None] = []
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        match event:
            case yaml.CollectionStartEvent():
                around.append(event.anchor)
            case yaml.CollectionEndEvent():
                around.pop()
            case yaml.AliasEvent() if any(around):
                raise UserError(f"{origin}: anchor {event.anchor!r} is used within another: write the value out")


def _check(node: Node, place: str, origin: str) -> None:
    match node:
        case MappingNode():
            seen = set()
            for key, value in node.value:
                name = f"{place}.{key.value}" if place else str(key.value)
                if name in seen:
                    raise UserError(f"{origin}: key {name} stands there twice: remove one")
                seen.add(name)
                _check(value, name, origin)
        case SequenceNode():
            for index, value in enumerate(node.value):
                _check(value, f"{place}.{index}", origin)
        case ScalarNode() if node.tag.endswith((":int", ":float")):
            if ":" in node.value:
                raise UserError(f"{origin}: {place} = {node.value[:40]} would be read in base 60: write it without ':'")
            if len(node.value) > _DIGITS[node.tag.rpartition(":")[2]]:
                raise UserError(f"{origin}: {place} = {node.value[:10]}... is a number of {len(node.value)} digits")
