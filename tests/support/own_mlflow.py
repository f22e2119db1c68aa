"""Isolates a test from the addresses that earlier code gave to MLflow."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_NAMES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
_GLOBALS = {
    "mlflow.tracking._tracking_service.utils": "_tracking_uri",
    "mlflow.tracking._model_registry.utils": "_registry_uri",
}


@contextmanager
def own_mlflow() -> Iterator[None]:
    """Within the block MLflow has no address. Afterwards the earlier one is restored.

    Setting an address changes globals of MLflow, which take precedence, and the environment, which processes inherit.
    """
    variables = {name: os.environ.pop(name) for name in _NAMES if name in os.environ}
    addresses = {module: getattr(sys.modules.get(module), name, None) for module, name in _GLOBALS.items()}
    _set(dict.fromkeys(_GLOBALS))
    try:
        yield
    finally:
        for name in _NAMES:
            os.environ.pop(name, None)
        os.environ.update(variables)
        _set(addresses)


def _set(addresses: dict[str, str | None]) -> None:
    for module, address in addresses.items():
        if module in sys.modules:
            setattr(sys.modules[module], _GLOBALS[module], address)
