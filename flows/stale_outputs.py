"""Removes outputs of stages that no longer exist: those of levels and methods that ``params.yaml`` no longer names."""

import shutil
from collections.abc import Callable
from pathlib import Path

from dvc.exceptions import DvcException

from tasks.identity import locked_repo

OUTPUT_FOLDERS = ("data", "models", "results")


def remove_stale_outputs(say: Callable[[str], object]) -> None:
    """Remove stale outputs from the folders that stages read whole, and report each.

    A stale output in such a folder would make the stages that read it run again. Nothing outside the project's output
    folders is removed: a user's ``data.folder`` may be any folder, even one that contains the project. DVC's cache
    keeps the outputs of finished stages. If DVC cannot read the graph, nothing is removed; the run then reports why.
    """
    try:
        with locked_repo() as repo:
            root = Path(repo.root_dir)
            outs = {Path(out.fs_path) for out in repo.index.outs}
            read = {Path(dep.fs_path) for dep in repo.index.deps}
    except DvcException:
        return
    above = {folder for out in outs for folder in out.parents}
    output_folders = {root / name for name in OUTPUT_FOLDERS}
    stale = [
        path
        for folder in sorted(read & above)
        if output_folders & set(folder.parents) and folder.is_dir()
        for path in sorted(folder.iterdir())
        if path not in outs | above
    ]
    for path in stale:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        say(f"{path.relative_to(root)}: no stage makes it any more, removed")
