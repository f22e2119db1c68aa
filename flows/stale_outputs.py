"""Removes outputs of stages that no longer exist: those of levels and methods that ``params.yaml`` no longer names."""

import shutil
from collections.abc import Callable
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc_data.hashfile.hash import hash_file

from tasks.identity import locked_repo

OUTPUT_FOLDERS = ("data", "models", "results")


def remove_stale_outputs(say: Callable[[str], object]) -> None:
    """Remove stale outputs from the folders that stages read whole, and report each.

    A stale output in such a folder would make the stages that read it run again. Nothing outside the project's output
    folders is removed: a user's ``data.folder`` may be any folder, even one that contains the project. Only what DVC's
    cache has is removed: the rest may be somebody's own file. If DVC cannot read the graph, nothing is removed; the run
    then reports why.
    """
    try:
        with locked_repo() as repo:
            root = Path(repo.root_dir)
            outs = {Path(out.fs_path) for out in repo.index.outs}
            read = {Path(dep.fs_path) for dep in repo.index.deps}
            above = {folder for out in outs for folder in out.parents}
            output_folders = {root / name for name in OUTPUT_FOLDERS}
            stale = [
                path
                for folder in sorted(read & above)
                if output_folders & set(folder.parents) and folder.is_dir()
                for path in sorted(folder.iterdir())
                if path not in outs | above
            ]
            cached = {path: _is_cached(repo, path) for path in stale}
    except DvcException:
        return
    for path in stale:
        name = path.relative_to(root)
        if not cached[path]:
            say(f"{name}: left, because DVC's cache does not have it; no stage makes it, but some read its folder")
            continue
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        say(f"{name}: no stage makes it any more, removed")


def _is_cached(repo: Repo, path: Path) -> bool:
    """Whether DVC's cache has every file of an output."""
    cache = repo.cache.local
    files = [file for file in path.rglob("*") if not file.is_dir()] if path.is_dir() else [path]
    try:
        return all(cache.exists(hash_file(str(file), cache.fs, "md5", state=repo.state)[1].value) for file in files)
    except OSError:  # a broken link, or not for us to read
        return False
