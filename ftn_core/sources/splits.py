"""The splits: photographs for training, for validation, and for testing."""

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
    """The split that a parent folder of ``name`` (relative, POSIX) names, or None.

    The outermost such folder decides, because an inner folder `train` may be a class of images.
    """
    folders = PurePosixPath(name).parts[:-1]
    return next((_FOLDERS[folder.lower()] for folder in folders if folder.lower() in _FOLDERS), None)


def splits_by_folder(names: Iterable[str]) -> frozenset[Split]:
    """All splits that are named by folders."""
    return frozenset(split for name in names if (split := split_by_folder(name)))


def split_of(name: str, *, named: frozenset[Split], val_fraction: float, test_fraction: float) -> Split:
    """The split of the image ``name`` (relative, POSIX).

    An image in a folder named val or test belongs to that split. The other images are divided by a hash of the file
    name. The result is the same on every machine and does not depend on the folder's place or its other images.

    Args:
        named: the splits that folders name. Such a split gets no other images.
        val_fraction: share of the other images for validation, 0 to 1.
        test_fraction: share of the other images for testing, 0 to 1.
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
    # some file systems store accented letters in decomposed form
    normal = unicodedata.normalize("NFC", file_name).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(normal).digest()[:6]) / 2**48
