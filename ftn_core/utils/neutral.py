"""Code that cannot change what a stage writes. It is no dependency in ``dvc.yaml`` and no part of a model's identity."""

from collections.abc import Iterable

NEUTRAL = {
    "ftn_core/parameters/": "the schema refuses values or passes them on as they are; the values are under `params:`",
    "ftn_core/utils/": "errors, progress, timing, memory, downloads' messages, order-keeping threads",
    "registry/": "talks to MLflow and Git; what travels with a model, registry/model/, counts",
    "tasks/__init__.py": "only a docstring",
    "tasks/__main__.py": "parses the command and calls the stage",
    "tasks/identity.py": "asks DVC what a stage is",
    "tasks/launch.py": "starts processes; their number is the parameter train.devices",
    "tasks/parent_death.py": "ends a stage whose parent is gone",
    "tasks/paths.py": "names of files; the files themselves are declared",
    "tasks/tracking/": "takes what a stage records; tracking on and off give the same bytes",
}
"""Files and folders, each with the reason; held by tests/tasks/test_graph.py."""
COUNTS = ("registry/model/",)
"""Exceptions below the folders above."""


def counting(files: Iterable[str]) -> list[str]:
    """Those of the files, relative to the project's root, that can change what a stage writes; sorted."""
    neutral = tuple(NEUTRAL)
    return sorted(file for file in files if file.startswith(COUNTS) or not file.startswith(neutral))
