"""``python -m flows.gc`` lists what DVC's cache and MLflow hold that nothing needs; ``--delete`` deletes it.

docs/retention.md says what is kept.
"""

import argparse
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException

from flows.lock import run_lock
from flows.scratch import SCRATCH
from ftn_core.utils.errors import UserError, disk_errors
from registry.server import existing_store, tracking_uri, without_credentials

_DVC = [sys.executable, "-m", "dvc", "gc", "--workspace", "--all-commits", "--all-experiments"]


def unused_files() -> list[Path]:
    """The files of DVC's cache that neither the working tree, nor a commit, nor an experiment of DVC uses.

    Raises:
        UserError: DVC cannot tell, for example because this is no DVC project.
    """
    return [Path(path) for path in re.findall(r"(?m)^Removing (.+)$", _run(*_DVC, "--dry"))]


def deleted_runs() -> list[str]:
    """The ids of runs that were deleted in MLflow and still take space, but for those of registered versions.

    Raises:
        UserError: there is no store, or it does not answer.
    """
    with existing_store() as client:
        experiments = [found.experiment_id for found in client.search_experiments(view_type=ViewType.ALL)]
        runs = client.search_runs(experiments, run_view_type=ViewType.DELETED_ONLY, max_results=10_000)
        registered = {version.run_id for version in client.search_model_versions(max_results=10_000)}
    return [run.info.run_id for run in runs if run.info.run_id not in registered]


def refuse_while_a_worker_runs() -> None:
    """A worker's scratch clone writes into this clone's cache what no ``dvc.lock`` here names yet.

    Raises:
        UserError: there is such a clone in use.
    """
    for lock in SCRATCH.glob("*.lock"):
        try:
            with FileLock(lock, blocking=False):
                pass
        except Timeout:
            raise UserError(f"a worker runs a stage in {lock.with_suffix('')}: try again when it is done") from None


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(" ".join((done.stderr or done.stdout).split())[:500])
    return done.stdout


def main() -> int:
    """Show what would be freed, and delete it if that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m flows.gc", description=__doc__)
    parser.add_argument("--delete", action="store_true", help="delete what is listed; without it nothing is deleted")
    delete = parser.parse_args().delete
    try:
        uri = tracking_uri()
        # a run's outputs are in the cache before dvc.lock names them
        with disk_errors(), run_lock("gc", partial(print, flush=True)):
            refuse_while_a_worker_runs()
            files = unused_files()
            size = sum(file.stat().st_size for file in files) / 1e6
            print(f"DVC's cache: {len(files)} files that nothing uses, {size:.1f} MB")
            if delete and files:
                _run(*_DVC, "--force")
        if uri.startswith("http"):
            print(f"MLflow at {without_credentials(uri)}: `mlflow gc` on its machine, see docs/retention.md")
            runs = []
        else:
            runs = deleted_runs()
            print(f"MLflow: {len(runs)} deleted runs that still take space")
            if delete and runs:
                _run(sys.executable, "-m", "mlflow", "gc", "--backend-store-uri", uri, "--tracking-uri", uri,
                     "--run-ids", ",".join(runs))  # fmt: skip
    except (UserError, MlflowException) as error:
        print(f"gc: {error}", file=sys.stderr)
        return 2
    if files or runs:
        print("All of this is deleted." if delete else "Nothing was deleted: `make gc GC=1` deletes it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
