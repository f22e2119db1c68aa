"""Takes what a part made on another machine into this project, so that ``dvc repro`` does not make it again.

A stage is taken only if all that it read there has, byte by byte, the content that it has here. Then its entry in
``dvc.lock`` is the one that a run here from the same inputs would have written, and DVC commits it.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dvc.dependency.param import ParamsDependency
from dvc.exceptions import DvcException

from benchmarks.gpu import GPU
from benchmarks.gpu.graph import INPUTS, content, read_stages
from benchmarks.gpu.part import Made
from flows.lock import run_lock
from flows.params_file import change_params, decode_yaml
from flows.presets import leaves
from flows.stale_outputs import remove_stale_outputs
from ftn_core.utils.errors import UserError
from ftn_core.utils.messages import say
from tasks.identity import identify, locked_repo
from tasks.paths import PARAMS
from tasks.tracking.__main__ import upload_all
from tasks.tracking.journal import JOURNALS, read_opening
from tasks.tracking.mlflow_tracker import opening_of

if TYPE_CHECKING:
    from dvc.repo import Repo


def take(part: str) -> None:
    """Take the part's parameters, the outputs of its stages, and their runs into MLflow.

    Raises:
        UserError: the part has nothing, or a stage that must run here fails.
    """
    folder = GPU / part
    if not (folder / "done").exists():
        raise UserError(f"{folder} has no results: run it, or unpack what came back")
    values = decode_yaml((folder / PARAMS).read_text(), str(folder / PARAMS))
    values["data"]["folder"] = str((folder / "photographs").relative_to(Path.cwd()))
    for line in change_params(leaves(values), f"those of {folder}"):
        say(line)
    with run_lock("python -m benchmarks.gpu take", say):
        remove_stale_outputs(say)  # of the parameters before: stages read them with the folder that they lie in
        if subprocess.run([sys.executable, "-m", "dvc", "repro", *INPUTS]).returncode:
            raise UserError(f"{part}: what its stages read could not be made here: see above")
        taken = _take_outputs(folder)
    for name, made in taken.items():
        _take_journals(folder, name, made)
    say(f"{part}: {len(taken)} stages taken; `make repro` makes the rest")
    upload_all(redirect=False)


def _take_outputs(folder: Path) -> dict[str, Made]:
    taken = {}
    with locked_repo() as repo:
        for stage in read_stages():
            made = Made.of(stage.name, folder / "done")
            if not made or stage.group in INPUTS:
                continue
            if differing := _differing(repo, stage.name, made):
                say(f"{stage.name}: not taken, because {', '.join(differing)} is not what it was there")
                continue
            for path, md5 in made.outs.items():
                if not (folder / path).exists() or content(str(folder / path)) != md5:
                    raise UserError(f"{folder / path} is not what {stage.name} wrote: unpack the archive again")
                target = Path(path)
                target.parent.mkdir(parents=True, exist_ok=True)
                if target.is_dir():
                    shutil.rmtree(target)
                (shutil.copytree if (folder / path).is_dir() else shutil.copyfile)(folder / path, target)
            repo.commit(stage.name, force=True)
            taken[stage.name] = made
    return taken


def _differing(repo: "Repo", name: str, made: Made) -> list[str]:
    """What the stage reads that has another content here than it had there."""
    try:
        (stage,) = repo.stage.collect(name)
        stage.save_deps()
    except DvcException as error:
        return [f"{error}: what is missing"]
    here = {dep.def_path: dep.hash_info.value for dep in stage.deps if not isinstance(dep, ParamsDependency)}
    return [path for path, md5 in here.items() if md5 != made.deps.get(path)]


def _take_journals(folder: Path, name: str, made: Made) -> None:
    """Hand what the stage recorded there to the uploader, as a run of the stage here that says where it was."""
    opening = opening_of(identify(name))
    opening["tags"] |= {"ftn.machine": made.machine, "ftn.versions": json.dumps(made.versions)}
    for path in sorted((folder / JOURNALS).glob("[0-9]*.jsonl")):
        first = read_opening(path)
        if first and first["stage"] == name:
            JOURNALS.mkdir(parents=True, exist_ok=True)
            record = {"kind": "open", "time": first["time"], **opening}
            rest = path.read_text().lstrip("\n").partition("\n")[2]
            (JOURNALS / path.name).write_text(json.dumps(record, default=str) + "\n" + rest)
