"""Classes that are chosen by a name in ``params.yaml``: one file each, imported only when needed."""

import importlib
from typing import TypeVar

T = TypeVar("T")


def load_class(package: str, name: str, kind: type[T]) -> type[T]:
    """The one public class of the module ``package.name`` that is a ``kind``.

    Raises:
        ValueError: the module defines none, or several.
    """
    module = importlib.import_module(f"{package}.{name}")
    found = [
        value
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, kind) and value.__module__ == module.__name__ and key[0] != "_"
    ]
    if len(found) != 1:
        raise ValueError(f"{module.__name__} must define one public {kind.__name__}, not {len(found)}")
    return found[0]
