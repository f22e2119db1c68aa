"""Code that cannot change the outputs of a stage: no dependency in ``dvc.yaml``, no part of a model's identity."""

from collections.abc import Iterable

NEUTRAL = {
    "ftn_core/__init__.py": "loads a released model, for programs",
    "ftn_core/parameters/": "the schema rejects values or passes them on unchanged; the values are under `params:`",
    "ftn_core/utils/": "errors, progress, timing, memory, messages of downloads, threads that keep the order",
    "registry/": "talks to MLflow and Git; registry/model/ is shipped with a model and therefore counts",
    "tasks/__init__.py": "only a docstring",
    "tasks/__main__.py": "parses the command and calls the stage",
    "tasks/identity.py": "asks DVC what a stage is",
    "tasks/launch.py": "starts processes; their number is the parameter train.devices",
    "tasks/parent_death.py": "ends a stage whose parent is gone",
    "tasks/paths.py": "names of files; the files themselves are declared",
    "tasks/running.py": "a lock that says that a stage runs",
    "tasks/tracking/": "receives the metrics of a stage; the outputs are the same with tracking on and off",
}
"""Files and folders, each with the reason; checked by tests/tasks/test_graph.py."""
COUNTS = ("registry/model/",)
"""Exceptions below these folders."""


def counting(files: Iterable[str]) -> list[str]:
    """The files that can change the outputs of a stage, sorted; all paths are relative to the project's root."""
    neutral = tuple(NEUTRAL)
    return sorted(file for file in files if file.startswith(COUNTS) or not file.startswith(neutral))
