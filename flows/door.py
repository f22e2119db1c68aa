"""What both doors do before a run: say of themselves what MLflow's run of the pipeline records, and look at links."""

import os
import time
from pathlib import Path

from flows.presets import present
from ftn_core.parameters import load_parameters
from ftn_core.utils.errors import UserError
from tasks.tracking.mlflow_tracker import BEGAN, PRESET


def enter() -> None:
    """Note when the door was entered, and which preset the parameters are.

    Raises:
        UserError: ``params.yaml`` is not valid, or there is a broken link among the photographs.
    """
    refuse_broken_links(Path(load_parameters().data.folder))
    os.environ[BEGAN] = str(time.time_ns() // 1_000_000)
    os.environ[PRESET] = present() or ""


def refuse_broken_links(folder: Path) -> None:
    """Raise ``UserError`` for a link that leads nowhere. DVC would end with the number of an error."""
    for where, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(where, name)
            if path.is_symlink() and not path.exists():
                raise UserError(f"data.folder: {path} is a link that leads nowhere: remove it")
