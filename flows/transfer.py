"""Data between this clone and DVC's remote, as Prefect tasks: what can pass, as a network error, is tried again."""

import re
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from flows.stage import Children, follow

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc_objects.db import ObjectDB

_TRANSIENT = re.compile(
    r"connect|time[d ]*out|temporar|reset by peer|broken pipe|unreachable|incomplete|try again|slow ?down"
    r"|internal ?error|service ?unavailable|bad gateway|\b50[0234]\b",
    re.IGNORECASE,
)
_LASTING = re.compile(r"credential|denied|forbidden|NoSuch|InvalidAccessKey|SignatureDoesNotMatch", re.IGNORECASE)
in_process = threading.Lock()
"""DVC's objects are not made for threads."""


class TransferError(Exception):
    """Data could not be moved; DVC's own words."""


def _can_pass(task: Task, run: TaskRun, state: State) -> bool:
    error = state.result(raise_on_failure=False)
    told = str(error)
    return isinstance(error, TransferError | OSError) and bool(_TRANSIENT.search(told)) and not _LASTING.search(told)


_options: dict[str, Any] = {
    "cache_policy": NO_CACHE,
    "persist_result": False,
    "retries": 5,
    "retry_delay_seconds": [2, 5, 15, 30, 60],
    "retry_condition_fn": _can_pass,
}


def remote_root(repo: "Repo", command: str) -> "ObjectDB":
    """DVC's remote; ``fs`` and ``path`` are its root, for that is where the older of its two formats lies."""
    return repo.cloud.get_remote_odb(None, command, hash_name="md5-dos2unix")


@task(**_options)
def pull(paths: list[str], children: Children) -> None:
    """Bring outputs, or parts of them, from the remote."""
    if paths:
        _dvc(["pull", *paths], children)


@task(**_options)
def push(stages: list[str], children: Children, *, runs: bool = False) -> None:
    """Bring the outputs of stages to the remote; with ``runs``, this clone's run-cache too."""
    if stages:
        _dvc(["push", *(["--run-cache"] if runs else []), *stages], children)


@task(**_options)
def fetch_run(name: str) -> bool:
    """Bring the outputs of a stage, as it stands here, into the cache, if somebody has pushed its run to the remote.

    As ``dvc pull --run-cache``, which would bring the runs of all stages there ever were.
    """
    from botocore.exceptions import BotoCoreError
    from dvc.exceptions import DvcException
    from dvc.repo import Repo, lock_repo
    from dvc.stage.cache import _get_stage_hash

    with in_process, Repo(_wait_for_lock=True) as repo:
        with lock_repo(repo):  # others write dvc.lock, in place
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
        if not cached:  # pushed by somebody whose outputs are gone
            shutil.rmtree(here, ignore_errors=True)
        return cached


def _dvc(arguments: list[str], children: Children) -> None:
    logger = get_run_logger()
    lines: list[str] = []
    with children.start_dvc(["--wait-for-lock", *arguments]) as process:
        if process is None:
            raise TransferError("the run was stopped")
        for line in follow(process):
            if not line.overwritten:
                lines.append(line.text)
                logger.info(line.text)
    if process.returncode:
        raise TransferError(" ".join(["dvc", arguments[0], "failed:", *(lines[-3:] or ["it said nothing"])]))
