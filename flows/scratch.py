"""A clone of the worker's clone for one stage: other stages, other commits and the user's work are not in its way."""

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import yaml

from flows.order import LOCK, PARAMS, Order
from ftn_core.errors import UserError

SCRATCH = Path(".ftn/scratch")
SHARED = ("downloads", "journal")
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
    _remove_left_overs()
    here.mkdir(parents=True)
    holder = os.open(here.with_name(f"{name}.held"), os.O_RDWR | os.O_CREAT)
    fcntl.flock(holder, fcntl.LOCK_EX)
    try:
        _require(order.commit)
        _git("clone", "--quiet", "--shared", "--no-checkout", str(home), str(here))
        _git("-C", str(here), "checkout", "--quiet", "--detach", order.commit)
        (here / PARAMS).write_text(order.params)
        (here / LOCK).write_text(yaml.safe_dump({"schema": "2.0", "stages": order.lock}))
        _share_cache(home, here)
        os.chdir(here)
        yield
    finally:
        os.chdir(home)
        shutil.rmtree(here, ignore_errors=True)
        os.close(holder)
        here.with_name(f"{name}.held").unlink(missing_ok=True)


def _share_cache(home: Path, here: Path) -> None:
    from configobj import ConfigObj
    from dvc.repo import Repo

    with Repo(str(home)) as repo:
        files = Path(repo.cache.local.path).parent  # of files/md5
    files.mkdir(parents=True, exist_ok=True)
    (here / ".dvc/cache").mkdir(parents=True)
    (here / ".dvc/cache/files").symlink_to(files)
    local = ConfigObj(str(home / ".dvc/config.local"), list_values=False)
    local.setdefault("core", {})["site_cache_dir"] = str(
        here / ".dvc/site"
    )  # what DVC knows of files goes with the clone
    local.filename = str(here / ".dvc/config.local")
    local.write()
    for folder in SHARED:
        (home / ".ftn" / folder).mkdir(parents=True, exist_ok=True)
        (here / ".ftn").mkdir(exist_ok=True)
        (here / ".ftn" / folder).symlink_to(home / ".ftn" / folder)


def _require(commit: str) -> None:
    with contextlib.suppress(UserError):
        return _git("cat-file", "-e", f"{commit}^{{commit}}")
    try:
        _git("fetch", "--quiet", "origin")
        _git("cat-file", "-e", f"{commit}^{{commit}}")
    except UserError as error:
        raise UserError(f"this worker's clone {Path.cwd()} has no commit {commit}: push it ({error})") from None


def _remove_left_overs() -> None:
    for held in SCRATCH.glob("*.held"):
        descriptor = os.open(held, os.O_RDWR)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(held.with_suffix(""), ignore_errors=True)
            held.unlink(missing_ok=True)
        os.close(descriptor)


def _git(*arguments: str) -> None:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise UserError(f"git {arguments[0]}: {done.stderr.strip()}")
