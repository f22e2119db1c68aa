"""What both doors do before a run: check what it needs, and pass start and preset to the tracker."""

import os
import time
from pathlib import Path

from flows.presets import current_preset
from ftn_core.parameters import load_parameters
from ftn_core.utils.errors import UserError
from registry.server import tracking_uri
from tasks.tracking.mlflow_tracker import BEGAN, PRESET


def enter() -> None:
    """Note when the door was entered, and which preset the parameters are.

    Raises:
        UserError: ``params.yaml`` is not valid, there is a broken link among the photographs, or the project lies where
            MLflow cannot store anything.
    """
    tracking_uri()
    refuse_broken_links(Path(load_parameters().data.folder))
    os.environ[BEGAN] = str(time.time_ns() // 1_000_000)
    os.environ[PRESET] = current_preset() or ""


def refuse_broken_links(folder: Path) -> None:
    """Raise ``UserError`` for a link that leads nowhere. DVC would end with the number of an error."""
    for where, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(where, name)
            if path.is_symlink() and not path.exists():
                raise UserError(f"data.folder: {path} is a link that leads nowhere: remove it")
