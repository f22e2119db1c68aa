"""The folder of a part, which looks like the project's root, and a stage called in it as DVC would call it."""

import gc
import importlib
import os
import subprocess
from pathlib import Path

import torch

from benchmarks.gpu import ROOT
from benchmarks.gpu.graph import Stage, read_stages
from ftn_core.parameters import load_parameters
from tasks import paths
from tasks.tracking.tracker import Tracker

DONE = Path("done")
READ = ("dvc.yaml", "features", "ftn_core", "styles", "tasks", "weights")
"""What stages and ``dvc.yaml`` name relative to the project's root."""


def enter(folder: Path) -> list[Stage]:
    """Make a folder with ``params.yaml`` look like the project's root, go there, and read its stages."""
    for name in READ:
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(os.path.relpath(ROOT / name, folder))
    os.chdir(folder)
    for path in (DONE, paths.CURVES, paths.METHOD_RESULTS):
        path.mkdir(parents=True, exist_ok=True)
    return read_stages()


def call(stage: Stage, tracker: Tracker) -> None:
    """Do what DVC would do with the stage."""
    for path in map(Path, stage.outs):
        path.parent.mkdir(parents=True, exist_ok=True)
    if stage.function:
        values = {key: float(value) if key == "level" else value for key, value in stage.values.items()}
        getattr(importlib.import_module(f"tasks.{stage.function}"), stage.function)(
            load_parameters(), tracker, **values
        )
    else:
        subprocess.run(stage.cmd, shell=True, check=True)
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
