"""Which photographs train, which choose the checkpoint and which are only measured on."""

import hashlib
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Literal

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

_FOLDERS: dict[str, Split] = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}


def split_by_folder(name: str) -> Split | None:
    """The split that a parent folder of ``name`` (relative, POSIX) stands for, or None.

    The outermost such folder decides: further in, `train` may well be a class of pictures.
    """
    folders = PurePosixPath(name).parts[:-1]
    return next((_FOLDERS[folder.lower()] for folder in folders if folder.lower() in _FOLDERS), None)


def splits_by_folder(names: Iterable[str]) -> frozenset[Split]:
    """The splits that the folders of a whole tree name."""
    return frozenset(split for name in names if (split := split_by_folder(name)))


def split_of(name: str, *, named: frozenset[Split], val_fraction: float, test_fraction: float) -> Split:
    """The split of the image ``name`` (relative, POSIX) in a tree whose folders name the splits ``named``.

    A folder named val or test decides. All other images are for training, less the given fractions of them
    (0 to 1) for each of val and test that no folder names. Which ones is decided by a hash of the file name
    alone, so it is the same on every machine, wherever the tree lies and whatever else is in it.
    """
    split = split_by_folder(name)
    if split in ("val", "test"):
        return split
    test = 0.0 if "test" in named else test_fraction
    val = 0.0 if "val" in named else val_fraction
    position = _position(PurePosixPath(name).name)
    if position < test:
        return "test"
    return "val" if position < test + val else "train"


def _position(file_name: str) -> float:
    """A number in [0, 1), uniform over file names."""
    # some file systems store accented letters decomposed
    normal = unicodedata.normalize("NFC", file_name).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(normal).digest()[:6]) / 2**48
