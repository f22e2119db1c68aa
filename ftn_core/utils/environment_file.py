"""Reads ``.env``, the file of a clone that holds its servers' addresses and keys."""

import os
from pathlib import Path

from dotenv import dotenv_values

from ftn_core.utils.messages import complain
from ftn_core.utils.project import CLONE, project_folder

PREFIXES = ("FTN_", "MLFLOW_", "PREFECT_", "DVC_", "AWS_")
"""What the names of settings begin with. Others, such as ``LD_PRELOAD``, would change how programs run."""


def load_environment(file: Path = Path(".env")) -> None:
    """Put the variables of a file of the project into the environment, where they are not set yet.

    The file is read only in the clone whose code runs: whoever can write there needs no ``.env`` to run code, but any
    other folder may be somebody else's. It is made readable by this user alone.
    """
    file = project_folder() / file
    if not (CLONE.samefile(project_folder().absolute()) and file.is_file()):
        return
    _make_private(file)
    values = {name: value for name, value in dotenv_values(file).items() if value is not None}
    for name, value in values.items():
        if name.startswith(PREFIXES):
            os.environ.setdefault(name, value)
    if left := [name for name in values if not name.startswith(PREFIXES)]:
        complain(f"{file}: {', '.join(left)} not taken: a name begins with {', '.join(PREFIXES)}")


def _make_private(file: Path) -> None:
    if file.stat().st_mode & 0o077:
        try:
            file.chmod(0o600)
        except OSError as error:
            complain(f"{file} can be read by others, and cannot be changed ({error.strerror}): chmod 600 {file}")
        else:
            complain(f"{file} could be read by others: now by you alone (chmod 600)")
