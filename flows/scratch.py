"""A clone of the worker's clone for one stage: other stages, other commits and the user's work are not in its way."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import yaml
from filelock import FileLock, Timeout

from flows.git import git
from flows.stage_request import LOCK, PARAMS, Order
from ftn_core.utils.errors import UserError

SCRATCH = Path(".ftn/scratch")
SHARED = ("downloads", "spool")
"""Folders of ``.ftn`` that a stage shares with the worker's clone."""


@contextlib.contextmanager
def scratch_clone(name: str, order: Order) -> Iterator[None]:
    """Make it below ``.ftn/scratch`` and work in it; it is deleted afterwards, and so are those of killed runs.

    Data that the worker's clone has in DVC's cache are there; its run-cache is empty, so that what is pushed from it is
    the one run.

    Raises:
        UserError: the clone has not the commit, and cannot fetch it.
    """
    home, here = Path.cwd(), (SCRATCH / name).absolute()
    SCRATCH.mkdir(parents=True, exist_ok=True)
    with FileLock(SCRATCH.with_suffix(".lock")):  # one at a time: git cannot fetch twice at once
        _remove_left_overs()
        _require(order.commit)
        holder = FileLock(here.with_suffix(".held"), blocking=False)
        holder.acquire()
        git("clone", "--quiet", "--shared", "--no-checkout", str(home), str(here))
    try:
        git("-C", str(here), "checkout", "--quiet", "--detach", order.commit)
        (here / PARAMS).write_text(order.params)
        (here / LOCK).write_text(yaml.safe_dump({"schema": "2.0", "stages": order.lock}))
        _configure(home, here)
        os.chdir(here)
        yield
    finally:
        os.chdir(home)
        shutil.rmtree(here, ignore_errors=True)
        holder.release()
        here.with_suffix(".held").unlink(missing_ok=True)


def _configure(home: Path, here: Path) -> None:
    """DVC's remote and files are those of the worker's clone; run-cache, and what DVC remembers of files, its own."""
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
    local = ConfigObj(str(here / ".dvc/config.local"), list_values=False)
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
        git("cat-file", "-e", f"{commit}^{{commit}}")
        return
    with contextlib.suppress(UserError):
        git("fetch", "--quiet", "origin")
        git("cat-file", "-e", f"{commit}^{{commit}}")
        return
    raise UserError(f"this worker's clone {Path.cwd()} has no commit {commit}, nor has its origin: push it")


def _remove_left_overs() -> None:
    for held in SCRATCH.glob("*.held"):
        with contextlib.suppress(Timeout), FileLock(held, blocking=False):
            shutil.rmtree(held.with_suffix(""), ignore_errors=True)
            held.unlink(missing_ok=True)
