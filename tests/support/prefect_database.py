"""Prefect's database with its tables. Creating them takes five seconds of a processor: once, then it is copied."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from forked_python import forked_python

CREATE = """
import asyncio
from prefect.server.database import provide_database_interface
asyncio.run(provide_database_interface().create_db())
"""


def make_database(path: Path) -> None:
    """Make one at this path."""
    home = Path(forked_python()).parent / "prefect-home"  # goes when the tests end
    with home.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            env = os.environ | {"PREFECT_HOME": str(home)}
            subprocess.run([forked_python(), "-c", CREATE], env=env, check=True)
    path.parent.mkdir(exist_ok=True)
    shutil.copy(home / "prefect.db", path)
