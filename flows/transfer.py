"""Moves data between this clone and DVC's remote, as Prefect tasks. Transient errors are retried."""

import re
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from flows.stage import Children, output_lines

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc_objects.db import ObjectDB

_RETRY = re.compile(
    r"connect|time[d ]*out|temporar|reset by peer|broken pipe|unreachable|incomplete|try again|slow ?down"
    r"|internal ?error|service ?unavailable|bad gateway|\b50[0234]\b",
    re.IGNORECASE,
)
_NO_RETRY = re.compile(r"credential|denied|forbidden|NoSuch|InvalidAccessKey|SignatureDoesNotMatch", re.IGNORECASE)
dvc_thread_lock = threading.Lock()
"""Guards DVC's objects, which are not thread-safe."""


class TransferError(Exception):
    """Data could not be moved; the message is DVC's own."""


def _is_transient(task: Task, run: TaskRun, state: State) -> bool:
    error = state.result(raise_on_failure=False)
    text = str(error)
    return isinstance(error, TransferError | OSError) and bool(_RETRY.search(text)) and not _NO_RETRY.search(text)


_options: dict[str, Any] = {
    "cache_policy": NO_CACHE,
    "persist_result": False,
    "retries": 5,
    "retry_delay_seconds": [2, 5, 15, 30, 60],
    "retry_condition_fn": _is_transient,
}


def remote_root(repo: "Repo", command: str) -> "ObjectDB":
    """DVC's remote, as the store of its older hash format, whose ``fs`` and ``path`` are the remote's root."""
    return repo.cloud.get_remote_odb(None, command, hash_name="md5-dos2unix")


@task(**_options)
def pull(paths: list[str], children: Children) -> None:
    """Download outputs, or parts of them, from the remote."""
    if paths:
        _dvc(["pull", *paths], children)


@task(**_options)
def push(stages: list[str], children: Children, *, runs: bool = False) -> None:
    """Upload the outputs of stages to the remote; with ``runs``, also this clone's run-cache."""
    if stages:
        _dvc(["push", *(["--run-cache"] if runs else []), *stages], children)


@task(**_options)
def fetch_run(name: str) -> bool:
    """Download the outputs of a stage, in its present state, if its run is on the remote; returns whether it is.

    ``dvc pull --run-cache`` does the same, but downloads the runs of all stages that were ever pushed.
    """
    from botocore.exceptions import BotoCoreError
    from dvc.exceptions import DvcException
    from dvc.repo import Repo, lock_repo
    from dvc.stage.cache import _get_stage_hash

    with dvc_thread_lock, Repo(_wait_for_lock=True) as repo:
        with lock_repo(repo):  # other processes write dvc.lock in place
            (stage,) = repo.stage.collect(name)
            stage.save_deps()
            key = _get_stage_hash(stage)
        runs = repo.stage_cache
        here = Path(runs.cache_dir, key[:2], key)
        try:
            remote = remote_root(repo, "fetch --run-cache")
            there = remote.fs.join(remote.path, "runs", key[:2], key)
            for value in remote.fs.find(there) if remote.fs.exists(there) else []:
                here.mkdir(parents=True, exist_ok=True)
                partial = here.with_name(f"{key}.partial")
                remote.fs.get_file(value, str(partial))
                partial.replace(here / remote.fs.name(value))
            run = runs._load(stage)
            if not run:
                return False
            made = runs._create_stage(run, wdir=stage.wdir)
            for objects in made.get_used_objs().values():
                if failed := repo.cloud.pull(objects).failed:
                    raise TransferError(f"incomplete: {len(failed)} files of {name} could not be pulled")
            cached = bool(made.outs_cached())
        except (DvcException, OSError, BotoCoreError) as error:
            raise TransferError(f"{type(error).__name__}: {error}") from error
        if not cached:  # the run was pushed, but its outputs are gone
            shutil.rmtree(here, ignore_errors=True)
        return cached


def _dvc(arguments: list[str], children: Children) -> None:
    logger = get_run_logger()
    lines: list[str] = []
    with children.start_dvc(["--wait-for-lock", *arguments]) as process:
        if process is None:
            raise TransferError("the run was stopped")
        for line in output_lines(process):
            if not line.overwritten:
                lines.append(line.text)
                logger.info(line.text)
    if process.returncode:
        raise TransferError(" ".join(["dvc", arguments[0], "failed:", *(lines[-3:] or ["no output"])]))
