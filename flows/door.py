"""What both doors say of themselves to the stages, for the record of the whole pipeline in MLflow."""

import os
import time

from flows.presets import present
from tasks.tracking.mlflow_tracker import BEGAN, PRESET


def enter() -> None:
    """Note when the door was entered, and which preset the parameters are."""
    os.environ[BEGAN] = str(time.time_ns() // 1_000_000)
    os.environ[PRESET] = present() or ""
