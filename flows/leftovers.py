"""What stages made that are no more: levels and methods that ``params.yaml`` no longer names."""

import shutil
from pathlib import Path

from dvc.exceptions import DvcException

from tasks.identity import locked_repo


def remove_leftovers() -> list[str]:
    """Remove them from the folders that stages read whole, which would count as changed else; says what it removed.

    DVC's cache keeps them. A graph that DVC cannot read is left to the run, which says what is wrong with it.
    """
    try:
        with locked_repo() as repo:
            outs = {Path(out.fs_path) for out in repo.index.outs}
            read = {Path(dep.fs_path) for dep in repo.index.deps}
    except DvcException:
        return []
    above = {folder for out in outs for folder in out.parents}
    found = [
        path
        for folder in sorted(read & above)
        if folder.is_dir()
        for path in sorted(folder.iterdir())
        if path not in outs | above
    ]
    for path in found:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return [f"{path.relative_to(Path.cwd())}: of no stage any more, removed; DVC's cache has it" for path in found]
