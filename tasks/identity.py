"""What DVC knows of a stage: its identity, parameters and data."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftn_core.utils.errors import UserError
from tasks.paths import RESUME

if TYPE_CHECKING:
    from dvc.repo import Repo


@dataclass(frozen=True)
class StageIdentity:
    """``digest`` changes exactly when DVC would run the stage anew: command, parameters, hashes of code and data.

    ``resume_key`` is the same but for ``train.devices``: an unfinished training goes on with any number of processes.
    """

    name: str
    digest: str
    resume_key: str
    params: dict[str, Any]
    data: dict[str, str]
    """DVC's hash of every dependency below ``data/`` and ``models/``, by path."""

    @property
    def state_file(self) -> Path:
        """Where an unfinished training of the stage is kept."""
        return RESUME / f"{self.resume_key}.safetensors"


@contextmanager
def locked_repo() -> Iterator["Repo"]:
    """DVC's project in the working directory, read while no other DVC writes ``dvc.lock``, which it does in place."""
    from dvc.repo import Repo, lock_repo

    with Repo(_wait_for_lock=True) as repo, lock_repo(repo):
        yield repo


def identify(name: str) -> StageIdentity:
    """Ask DVC about a stage of the project in the working directory.

    Raises:
        UserError: the graph has no such stage, or one of its dependencies is missing.
    """
    from dvc.exceptions import DvcException
    from dvc.stage.serialize import to_single_stage_lockfile

    try:
        with locked_repo() as repo:
            (stage,) = repo.stage.collect(name)
            stage.save_deps()
            lock = to_single_stage_lockfile(stage)
    except DvcException as error:
        raise UserError(f"{error}: `dvc repro {name}` makes what is missing") from None
    return from_lock(name, lock)


def from_lock(name: str, entry: dict[str, Any]) -> StageIdentity:
    """The identity of a stage from its entry in ``dvc.lock``."""
    from dvc.utils import dict_sha256

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
