"""A scratch clone of the worker's clone for one stage, apart from other stages, other commits and the user's work."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import yaml
from filelock import FileLock, Timeout

from flows.git import git_output
from flows.stage_request import StageRequest
from ftn_core.utils.errors import UserError
from registry.repository import DVC_LOCK
from tasks.paths import PARAMS

SCRATCH = Path(".ftn/scratch")
SHARED = ("downloads", "tracking")
"""Folders of ``.ftn`` that the scratch clone shares with the worker's clone."""


@contextlib.contextmanager
def scratch_clone(name: str, request: StageRequest) -> Iterator[None]:
    """Make a clone below ``.ftn/scratch`` and work in it during the block; afterwards it is deleted.

    Scratch clones of killed runs are deleted, too. The clone shares the data in the DVC cache of the worker's clone.
    Its run-cache starts empty, so that a push from it uploads this one run.

    Raises:
        UserError: the worker's clone lacks the commit and cannot fetch it.
    """
    home, here = Path.cwd(), (SCRATCH / name).absolute()
    SCRATCH.mkdir(parents=True, exist_ok=True)
    with FileLock(SCRATCH.with_suffix(".lock")):  # one at a time: git cannot fetch twice at once
        _remove_abandoned_clones()
        _require(request.commit)
        in_use = FileLock(here.with_suffix(".lock"), blocking=False)
        in_use.acquire()
        git_output("clone", "--quiet", "--shared", "--no-checkout", str(home), str(here))
    try:
        git_output("-C", str(here), "checkout", "--quiet", "--detach", request.commit)
        (here / PARAMS).write_text(request.params)
        (here / DVC_LOCK).write_text(yaml.safe_dump({"schema": "2.0", "stages": request.lock}))
        _configure(home, here)
        os.chdir(here)
        yield
    finally:
        os.chdir(home)
        shutil.rmtree(here, ignore_errors=True)
        in_use.release()
        here.with_suffix(".lock").unlink(missing_ok=True)


def _configure(home: Path, here: Path) -> None:
    """Share DVC's remote and cached files with the worker's clone; the run-cache and DVC's state stay separate."""
    from configobj import ConfigObj
    from dvc.repo import Repo

    with Repo(str(home)) as repo:
        files = Path(repo.cache.local.path).parent  # of files/md5
        name = repo.config["core"].get("remote")
        remote = dict(repo.config["remote"].get(name, {}))
    files.mkdir(parents=True, exist_ok=True)
    cache = here / ".dvc/cache"
    cache.mkdir(parents=True)
    (cache / "files").symlink_to(files)
    local = ConfigObj(str(here / ".dvc/config.local"), encoding="utf-8")
    local["core"] = {"site_cache_dir": str(here / ".dvc/site")}
    local["cache"] = {"dir": str(cache)}
    if name:
        local["core"]["remote"] = name
        local[f'remote "{name}"'] = {key: str(value) for key, value in remote.items()}
    local.write()
    (here / ".ftn").mkdir()
    for folder in SHARED:
        (home / ".ftn" / folder).mkdir(parents=True, exist_ok=True)
        (here / ".ftn" / folder).symlink_to(home / ".ftn" / folder)


def _require(commit: str) -> None:
    with contextlib.suppress(UserError):
        git_output("cat-file", "-e", f"{commit}^{{commit}}")
        return
    with contextlib.suppress(UserError):
        git_output("fetch", "--quiet", "origin")
        git_output("cat-file", "-e", f"{commit}^{{commit}}")
        return
    raise UserError(f"this worker's clone {Path.cwd()} lacks commit {commit}, and so does its origin: push it")


def _remove_abandoned_clones() -> None:
    for lock in SCRATCH.glob("*.lock"):
        with contextlib.suppress(Timeout), FileLock(lock, blocking=False):
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink(missing_ok=True)
