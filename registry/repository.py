"""The clone in the working directory: its commit, what ``dvc.lock`` says, and how both are told apart from others."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

LOCK = Path("dvc.lock")
RECORDING = "register"
"""The stage that registers: its own entry comes into ``dvc.lock`` only after it has."""


def commit() -> str:
    """The commit that is checked out, marked where tracked files other than ``dvc.lock`` differ from it."""
    head = git("rev-parse", "HEAD").stdout.strip()
    changed = head and git("diff", "--quiet", "HEAD", "--", ".", f":!{LOCK}").returncode
    return f"{head}-dirty" if changed else head or "unknown"


def has_commit(name: str) -> bool:
    """Whether this repository holds a commit."""
    return git("cat-file", "-e", f"{name}^{{commit}}").returncode == 0


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What the command says and how it ends; a machine without Git is one where it fails."""
    try:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        return subprocess.CompletedProcess(["git", *arguments], 127, "", str(error))


def locked_stages(text: str) -> dict[str, dict[str, Any]]:
    """By stage its entry in the text of ``dvc.lock``, without that of the stage that registers."""
    stages = (yaml.safe_load(text) or {}).get("stages") or {}
    return {name: entry for name, entry in stages.items() if name != RECORDING}


def lock_hash(stages: dict[str, dict[str, Any]]) -> str:
    """SHA-256 of what ``locked_stages`` gave, whatever their order in the file."""
    return hashlib.sha256(json.dumps(stages, sort_keys=True, default=str).encode()).hexdigest()


def data_hash(stages: dict[str, dict[str, Any]]) -> str | None:
    """DVC's hash of the photographs."""
    return next((out["md5"] for out in stages.get("prepare", {}).get("outs", [])), None)
