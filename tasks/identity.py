"""What DVC knows about a stage: its identity, parameters and data."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException
from dvc.repo import Repo, lock_repo
from dvc.scm import SCMError
from dvc.stage.serialize import to_single_stage_lockfile
from dvc.utils import dict_sha256

from ftn_core.utils.errors import UserError
from registry.repository import refuse_conflict_markers
from tasks.paths import RESUME


@dataclass(frozen=True)
class StageIdentity:
    """A stage at one state of its command, its parameters, and the code and data in its ``deps``.

    Args:
        digest: changes exactly when DVC would run the stage again.
        resume_key: the same, except that ``train.devices`` does not count: an unfinished training can be resumed with
            another number of processes.
        data: DVC's hash of every dependency below ``data/`` and ``models/``, by path.
    """

    name: str
    digest: str
    resume_key: str
    params: dict[str, Any]
    data: dict[str, str]

    @property
    def state_file(self) -> Path:
        """Where an unfinished training of the stage is kept."""
        return RESUME / f"{self.resume_key}.safetensors"


@contextmanager
def locked_repo() -> Iterator[Repo]:
    """DVC's project in the working directory, locked: another DVC would write ``dvc.lock`` in place meanwhile.

    Raises:
        UserError: it is in no Git repository, or ``dvc.lock`` holds conflict markers.
    """
    refuse_conflict_markers()
    try:
        repo = Repo(_wait_for_lock=True)
    except SCMError as error:
        if "not a git repository" not in str(error):
            raise
        raise UserError(f"{Path.cwd()} is no Git repository, which DVC needs: run `git init` in it") from None
    with repo, lock_repo(repo):
        yield repo


def identify(name: str) -> StageIdentity:
    """Ask DVC about a stage of the project in the working directory.

    Raises:
        UserError: the graph has no such stage, or one of its dependencies is missing.
    """
    try:
        with locked_repo() as repo:
            (stage,) = repo.stage.collect(name)
            stage.save_deps()
            lock = to_single_stage_lockfile(stage)
    except DvcException as error:
        raise UserError(f"{error}: `dvc repro {name}` makes what is missing") from None
    return from_lock(name, lock)


def from_lock(name: str, entry: dict[str, Any]) -> StageIdentity:
    """The identity of a stage that ran, from its entry in ``dvc.lock``."""
    deps = {dep["path"]: dep["md5"] for dep in entry.get("deps", [])}
    params = {key: value for file in entry.get("params", {}).values() for key, value in file.items()}
    digest, resume_key = (
        dict_sha256({"cmd": entry["cmd"], "deps": deps, "params": p}) for p in (params, _without_devices(params))
    )
    data = {path: md5 for path, md5 in deps.items() if path.startswith(("data/", "models/"))}
    return StageIdentity(name, digest, resume_key, params, data)


def _without_devices(params: dict[str, Any]) -> dict[str, Any]:
    train = {key: value for key, value in params.get("train", {}).items() if key != "devices"}
    return {**params, "train": train} if train else params
