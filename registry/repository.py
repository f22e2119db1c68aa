"""The Git clone in the working directory: its commit, and the contents of its ``dvc.lock``."""

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from ftn_core.utils.errors import UserError

DVC_LOCK = Path("dvc.lock")
REGISTER_STAGE = "register"
"""This stage's entry is left out of comparisons: DVC adds it to ``dvc.lock`` after the stage has registered."""


def commit() -> str:
    """The commit that is checked out, with ``-dirty`` where tracked files other than ``dvc.lock`` differ from it.

    Outside a repository: ``unknown``.
    """
    head = run_git("rev-parse", "HEAD").stdout.strip()
    changed = head and run_git("diff", "--quiet", "HEAD", "--", ".", f":!{DVC_LOCK}").returncode
    return f"{head}-dirty" if changed else head or "unknown"


def refusal() -> str:
    """What Git says where it does not tell the commit; empty where it does, and outside of a repository."""
    done = run_git("rev-parse", "HEAD")
    return "" if not done.returncode or "not a git repository" in done.stderr else " ".join(done.stderr.split())


def commit_date() -> str:
    """The day of the commit that is checked out; ``unknown`` outside a repository."""
    return run_git("show", "--no-patch", "--format=%cs", "HEAD").stdout.strip() or "unknown"


def has_commit(name: str) -> bool:
    """Whether this repository holds a commit."""
    return run_git("cat-file", "-e", f"{name}^{{commit}}").returncode == 0


def run_git(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Git's output and exit code. Where Git is not installed, the exit code is 127."""
    try:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        return subprocess.CompletedProcess(["git", *arguments], 127, "", str(error))


def refuse_conflict_markers() -> None:
    """Refuse a ``dvc.lock`` that Git could not merge.

    Raises:
        UserError: it holds conflict markers.
    """
    if DVC_LOCK.exists() and re.search(rb"(?m)^(<{7}|={7}|>{7})( |$)", DVC_LOCK.read_bytes()):
        raise UserError(
            f"{DVC_LOCK} holds conflict markers of Git: take one side (git checkout --ours {DVC_LOCK}, or --theirs) "
            "and run this again, which restores from DVC's cache what that side lacks"
        )


def locked_stages(text: str) -> dict[str, dict[str, Any]]:
    """The entries of a ``dvc.lock`` by stage, without ``REGISTER_STAGE``.

    Args:
        text: the file's content.

    Raises:
        UserError: it is torn, or holds conflict markers.
    """
    try:
        stages = yaml.safe_load(text)["stages"]
    except (yaml.YAMLError, TypeError, KeyError):
        refuse_conflict_markers()
        raise UserError(f"{DVC_LOCK} is torn: `make repro` repairs it") from None
    return {name: entry for name, entry in stages.items() if name != REGISTER_STAGE}


def lock_hash(stages: dict[str, dict[str, Any]]) -> str:
    """SHA-256 of what ``locked_stages`` returned. The order in the file does not matter."""
    return hashlib.sha256(json.dumps(stages, sort_keys=True, default=str).encode()).hexdigest()


def data_hash(stages: dict[str, dict[str, Any]]) -> str | None:
    """DVC's hash of the photographs; None where stage ``prepare`` has not run."""
    return next((out["md5"] for out in stages.get("prepare", {}).get("outs", [])), None)
