"""Which project a process works with, and where that project keeps what outlives a run."""

import os
from pathlib import Path

PROJECT = "FTN_PROJECT"
"""Environment variable: the folder of the project, where it is not the working directory."""
CLONE = Path(__file__).absolute().parents[2]
"""The clone whose code runs."""
_COPIES = (".dvc/tmp/exps", ".ftn/scratch")
"""Folders of a project below which copies of it are, for one run each: of ``dvc exp run --temp``, and of workers."""


def choose_project() -> None:
    """For the command ``ftn``: outside of any project it works with the clone that it was installed from."""
    here = any(Path(name).exists() for name in ("params.yaml", "mlflow.db"))
    if not here and (CLONE / "params.yaml").exists():
        os.environ.setdefault(PROJECT, str(CLONE))


def project_folder() -> Path:
    """The project's folder; the working directory as an empty path."""
    return Path(os.environ.get(PROJECT, ""))


def lasting_folder() -> Path:
    """The project's folder; for a copy that is deleted after its run, the folder of the project itself."""
    here = project_folder().absolute()
    for folder in here.parents:
        if any(here.is_relative_to(folder / copies) for copies in _COPIES):
            return folder
    return here
