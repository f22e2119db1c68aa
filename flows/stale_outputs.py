"""What stages made that are no more: levels and methods that ``params.yaml`` no longer names."""

import shutil
from collections.abc import Callable
from pathlib import Path

from dvc.exceptions import DvcException

from tasks.identity import locked_repo

OURS = ("data", "models", "results")


def remove_leftovers(say: Callable[[str], object]) -> None:
    """Remove them from the folders that stages read whole, which would count as changed else, and say so.

    Only below folders of the project's own outputs: a user's ``data.folder`` may be any folder, also one with the whole
    project in it. DVC's cache keeps what a stage had finished. A graph that DVC cannot read is left to the run, which
    says what is wrong with it.
    """
    try:
        with locked_repo() as repo:
            root = Path(repo.root_dir)
            outs = {Path(out.fs_path) for out in repo.index.outs}
            read = {Path(dep.fs_path) for dep in repo.index.deps}
    except DvcException:
        return
    above = {folder for out in outs for folder in out.parents}
    ours = {root / name for name in OURS}
    found = [
        path
        for folder in sorted(read & above)
        if ours & set(folder.parents) and folder.is_dir()
        for path in sorted(folder.iterdir())
        if path not in outs | above
    ]
    for path in found:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        say(f"{path.relative_to(root)}: of no stage any more, removed")
