"""The store of a project that was moved or copied."""

import contextlib
import sqlite3
from pathlib import Path

ARTIFACTS = "mlartifacts"
"""Where a project's own store keeps files: beside ``mlflow.db``."""
_PATHS = {
    "experiments": "artifact_location",
    "runs": "artifact_uri",
    "logged_models": "artifact_location",
    "model_versions": "storage_location",
}


def update_paths(database: Path, experiment: str) -> None:
    """Make a store name the files beside it. MLflow stores absolute paths, which are those from before the move.

    Otherwise a moved project could not read its models, and a copy would read and write the original's.
    """
    here = database.with_name(ARTIFACTS)
    with contextlib.closing(sqlite3.connect(database, timeout=60)) as store, store:
        found = store.execute("SELECT artifact_location FROM experiments WHERE name = ?", (experiment,)).fetchone()
        old, new = (found or ("",))[0], here.as_uri()
        if old == new or not old.endswith(f"/{ARTIFACTS}") or not here.is_dir():
            return
        for table, column in _PATHS.items():
            store.execute(
                f"UPDATE {table} SET {column} = :new || substr({column}, length(:old) + 1) "
                f"WHERE {column} = :old OR substr({column}, 1, length(:old) + 1) = :old || '/'",
                {"old": old, "new": new},
            )
